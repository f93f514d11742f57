"""What the tests of isolation share. Imports stand inside: this file is read before the
settings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from tests.core.conftest import later  # noqa: F401 - a fixture


@dataclass(frozen=True)
class Cast:
    """Two tenants that share a schema and one with its own, each with one row in the probe."""

    acme: UUID
    initech: UUID
    globex: UUID
    globex_schema: str


@pytest.fixture(scope="module")
def placed(_database: None) -> Iterator[Cast]:
    """The cast, with the probe's table in every Location and a row of each tenant in it."""
    from apps.isolation.public import Level, release
    from tests.isolation import probe

    acme, initech = (probe.settle(Level.SHARED_SCHEMA) for _ in range(2))
    globex = probe.settle(Level.DEDICATED_SCHEMA)
    with probe.planted():
        for placement in (acme, initech, globex):
            probe.write(placement.tenant_id)
        yield Cast(acme.tenant_id, initech.tenant_id, globex.tenant_id, globex.location.schema)
    for placement in (acme, initech, globex):
        release(placement.tenant_id)
