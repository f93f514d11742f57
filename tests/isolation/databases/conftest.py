"""A second Postgres, as an operator would register one. Imports stand inside: this file is read
before the settings.
"""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def other() -> Iterator[Any]:
    """A server beside that of the control plane: launched as ours is, and not known to it."""
    from tests.isolation.databases.second import Second

    with Second() as second:
        yield second


@pytest.fixture
def server(other: Any) -> Iterator[Any]:
    """The second server, registered for the driver `database`."""
    from apps.isolation.databases import servers
    from tests.isolation.databases import second

    row = servers.register(second.slug(), other.deploy_url)
    yield row
    second.forget(row)


@pytest.fixture
def own(server: Any) -> Iterator[Any]:
    """A database of a tenant's own, ready."""
    from apps.isolation.databases import providing
    from tests.isolation.databases import second

    database = providing.provide(providing.new_alias(), "database")
    yield database
    second.remove(database)
