"""Real servers for every test: Postgres and Valkey of the tests' own, set up as a user's would be.

Tests commit for real. They do not disturb each other because each makes its own workspace.
"""

import io
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import django
import hypothesis
import pytest

from tests import servers

# Here, not in a hook: the conftest of a folder below may import what needs the settings.
os.environ.update(servers.start(), DJANGO_SETTINGS_MODULE="tenlyr.settings")
django.setup()
# Of made-up values every run tries the same, and none fails because the machine was slow.
hypothesis.settings.load_profile("ci")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    from django.db import connections

    connections.close_all()
    servers.stop()


@pytest.fixture(scope="session", autouse=True)
def _database(django_db_blocker: Any) -> Iterator[None]:
    """pytest-django forbids the database unless asked; here every test may use the real one."""
    from django.core.management import call_command

    with django_db_blocker.unblock():
        call_command("setup", verbosity=0, stdout=io.StringIO())
        yield


@pytest.fixture(scope="session", autouse=True)
def _events_are_as_documented(_database: None) -> None:
    """Whatever the product emits in a test is what the catalogue of events says of it."""
    from tenlyr.core import events
    from tests.webhooks import conformance

    events.subscribe(conformance.check)


@pytest.fixture
def workspace() -> Any:
    """A fresh workspace on the plan `enterprise`, with an admin key."""
    from tests import cast

    return cast.workspace()


@pytest.fixture
def starter_workspace() -> Any:
    """A fresh workspace that may have five tenants."""
    from tests import cast

    return cast.workspace(plan="starter")


@pytest.fixture
def api() -> Any:
    """An HTTP client of the API, in process."""
    from tests.cast import Api

    return Api()


@pytest.fixture
def acme(workspace: Any) -> Any:
    """A tenant with shared rows, on the plan `growth`."""
    from tests import cast

    return cast.tenant(workspace, "Acme Corp", plan="growth")


@pytest.fixture
def globex(workspace: Any) -> Any:
    """A tenant with a schema of its own, in the same workspace."""
    from tests import cast

    return cast.tenant(workspace, "Globex", isolation_level="dedicated_schema", plan="growth")


@pytest.fixture
def stranger() -> Any:
    """A tenant of another workspace: whatever the others own, it gets 404."""
    from tests import cast

    return cast.tenant(cast.workspace(), "Stranger", plan="growth")


@pytest.fixture
def operator() -> Any:
    """A superuser."""
    from apps.workspaces.models import Operator
    from tests import cast

    address = cast.email()
    return Operator.objects.create_superuser(address, address, "correct horse battery")


@pytest.fixture
def browser(operator: Any) -> Any:
    """A signed-in client of the Django admin."""
    from django.test import Client

    signed_in = Client(headers={"host": "localhost"})
    signed_in.force_login(operator)
    return signed_in


@pytest.fixture(scope="session")
def product() -> Iterator[Any]:
    """The whole product on servers of its own: what a user has after `make run`."""
    from tests.stack import Product, Servers

    with Servers() as servers, Product(servers, worker=True) as running:
        yield running


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """An SDK in a project of its own, by its language: each is installed once for all tests."""
    from tests.sdks import installed

    @cache
    def made(language: str) -> Any:
        return installed.BY_LANGUAGE[language](tmp_path_factory.mktemp(language))

    return made


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One loud line for what a missing program kept from running."""
    from tests.stack import missing

    for program, tests in missing.items():
        names = ", ".join(sorted(set(tests)))
        terminalreporter.write_line(f"NOT RUN, because {program} is missing: {names}", red=True)
