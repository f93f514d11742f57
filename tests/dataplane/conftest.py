"""What the tests of the data plane share. Imports stand inside: this file is read before the
settings.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Stage:
    """Two tenants that share and one of its own, of one operator; each with rows and a login."""

    account: Any
    acme: Any
    initech: Any
    globex: Any
    bouncer: Any


@pytest.fixture(scope="module")
def bouncer(_database: None) -> Iterator[Any]:
    """A real PgBouncer in transaction mode that asks the database for each login's verifier."""
    from apps.dataplane import pooling
    from tests.stack import PgBouncer, require_tool

    program = require_tool("pgbouncer", __package__ or __name__)
    if program is None:
        # Allowed for a program that only a package gives: `require_tool` has noted it for the loud
        # closing line, and where CI is set it fails instead.
        pytest.skip("PgBouncer is missing; the closing line says so")
    users = {pooling.ROLE: pooling.open_to_pooler()}
    with PgBouncer(
        program, os.environ["DATABASE_URL"], users, pool_size=2, more=pooling.SETTINGS
    ) as running:
        yield running


@pytest.fixture(scope="module")
def stage(bouncer: Any) -> Stage:
    """The cast, behind the pooler."""
    from tests import cast
    from tests.dataplane import plane

    account = cast.workspace()
    plane.release(account)
    acme, initech = (cast.tenant(account, name) for name in ("Acme", "Initech"))
    globex = cast.tenant(account, "Globex", isolation_level="dedicated_schema")
    sessions = [plane.Session(one, bouncer.url) for one in (acme, initech, globex)]
    for session, mark in zip(sessions, ("acme", "initech", "globex"), strict=True):
        plane.furnish(session, mark)
    return Stage(account, *sessions, bouncer)
