"""Tracking that is open: partitions exist, the counters of every shard are trusted."""

from collections.abc import Callable, Iterator

import pytest

from apps.metering import outages
from apps.metering.public import ensure_partitions
from tenlyr.core import redis
from tests import cast
from tests.cast import Account, Customer
from tests.metering import second
from tests.metering.support import store


@pytest.fixture
def stored() -> Callable[[], int]:
    """Call it after tracking; it is called once before, so that tracking is open at all."""
    ensure_partitions()
    store()
    return store


@pytest.fixture(scope="module")
def database(_database: None) -> Iterator[str]:
    """The alias of a second database."""
    alias = second.make()
    yield alias
    second.drop(alias)


@pytest.fixture
def initech(workspace: Account, database: str) -> Customer:
    """A tenant with a database of its own."""
    return _settle(workspace, "Initech", database)


@pytest.fixture
def hooli(workspace: Account, database: str) -> Customer:
    """Another one in the same database."""
    return _settle(workspace, "Hooli", database)


def _settle(workspace: Account, name: str, database: str) -> Customer:
    tenant = cast.tenant(workspace, name, plan="growth")
    second.place(tenant, second.location(database))
    ensure_partitions()
    return tenant


@pytest.fixture
def one_shard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All tenants share a shard: the hardest case. And nothing waits from before."""
    monkeypatch.setattr(redis, "SHARDS", 1)
    store()
    yield
    outages._outages.clear()
    store()
