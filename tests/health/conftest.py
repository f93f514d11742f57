"""Tracking that is open, scans and channels that do not know of those of other tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.health.models import Channel, Progress
from tests.cast import Account, Customer
from tests.health import receivers
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


@pytest.fixture
def no_channels(_database: None) -> Iterator[None]:
    """No channel of another test is in the way, nor is one left."""
    Channel.objects.all().delete()
    yield
    Channel.objects.all().delete()


@pytest.fixture
def sink(settings: Any, no_channels: None) -> Iterator[receivers.Sink]:
    """A receiver on loopback, which is allowed."""
    settings.EGRESS_ALLOW_LOOPBACK = True
    with receivers.listening() as listening:
        yield listening


@pytest.fixture
def mailbox(settings: Any, no_channels: None) -> Iterator[receivers.Mailbox]:
    """A mail server that the settings name."""
    with receivers.mail_server() as box:
        # Django's own test runner puts mail aside; this is to be a real one.
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_CONFIGURED = True
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        yield box
