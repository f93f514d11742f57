"""Tracking that is open, and scans that do not know of those of other tests."""

from collections.abc import Iterator

import pytest

from apps.health.models import Progress
from tests.cast import Account, Customer
from tests.metering import second, support
from tests.metering.conftest import database  # noqa: F401 - a fixture


@pytest.fixture(scope="session", autouse=True)
def _tracking_is_open(_database: None) -> None:
    support.store()


@pytest.fixture(autouse=True)
def _no_progress(_database: None) -> Iterator[None]:
    yield
    Progress.objects.all().delete()


@pytest.fixture
def initech(workspace: Account, database: str) -> Customer:  # noqa: F811
    """A tenant with a database of its own."""
    from tests import cast

    tenant = cast.tenant(workspace, "Initech", plan="growth")
    second.place(tenant, second.location(database))
    return tenant
