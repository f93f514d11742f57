"""Through a real PgBouncer in transaction mode: never a foreign row (Done 5, F23, F24, R3)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections

from tenlyr.settings import role_password
from tests.core.threads import until
from tests.isolation.conftest import Cast
from tests.isolation.probe import rows_of
from tests.stack import PgBouncer, require_tool

ROLES = (settings.ROLE_APP, settings.ROLE_FLEET)
BOUND_S = 100


@pytest.fixture(scope="module")
def bouncer(_database: None) -> Iterator[PgBouncer]:
    """Two server connections per role, shared by all clients."""
    program = require_tool("pgbouncer", __name__)
    if program is None:
        # Allowed for a program that only a package gives: `require_tool` has noted it for the loud
        # closing line, and where CI is set it fails instead.
        pytest.skip("PgBouncer is missing; the closing line says so")
    users = {role: role_password(role) for role in ROLES}
    target = os.environ["DATABASE_URL"]
    with PgBouncer(program, target, users, pool_size=2) as running:
        yield running


def trial(
    bouncer: PgBouncer, placed: Cast, mode: str, operations: int, **environment: str
) -> dict[str, int]:
    """Run the trial as a process behind the pooler; what it counted."""
    tenants = {
        placed.acme: settings.SHARED_SCHEMA,
        placed.initech: settings.SHARED_SCHEMA,
        placed.globex: placed.globex_schema,
    }
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "tests.isolation.leak_trial", mode, str(operations)),
            *(f"{tenant}={schema}" for tenant, schema in tenants.items()),
        ],
        env={**os.environ, "DATABASE_POOL_URL": bouncer.url, **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    print(done.stderr[-3000:])  # noqa: T201 - shown when the test fails
    counted: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return counted


@pytest.mark.parametrize(
    ("operations", "pool"), [(10_000, "10"), (2_000, "0")], ids=["as in the web", "one a thread"]
)
def test_no_foreign_row_and_none_missing(
    bouncer: PgBouncer, placed: Cast, operations: int, pool: str
) -> None:
    counted = trial(bouncer, placed, "tenlyr", operations, TENLYR_DB_POOL=pool)
    assert counted["operations"] >= operations
    assert counted["rows"] > operations
    paths = {"orm", "orm write", "raw", "raw write", "task", "fleet", "rolled back", "outside"}
    assert all(counted[path] > operations / 20 for path in paths)
    assert (counted["foreign"], counted["missing"], counted.get("errors", 0)) == (0, 0, 0)
    shared, own = rows_of(settings.SHARED_SCHEMA), rows_of(placed.globex_schema)
    assert set(shared) == {placed.acme, placed.initech}
    assert set(own) == {placed.globex}
    for rows in (shared, own):
        for tenant_id, notes in rows.items():
            assert all(note.endswith(f"of {tenant_id}") for note in notes)


def test_the_same_with_the_stock_backend_meets_foreign_rows(
    bouncer: PgBouncer, placed: Cast
) -> None:
    """The control: without our backend and scopes the trial does find leaks."""
    counted = trial(bouncer, placed, "stock", 2_000)
    assert counted["foreign"] > 0


def test_the_pooler_really_shares_connections(bouncer: PgBouncer, placed: Cast) -> None:
    """Otherwise the trial would have proved nothing: twelve threads were served by two backends."""
    trial(bouncer, placed, "tenlyr", 200)
    connections["default"].close()
    # A backend of an earlier test may take a moment to be gone.
    until(lambda: 0 < _backends() <= bouncer.pool_size)


def _backends() -> int:
    """How many connections the app's role has to Postgres."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [settings.ROLE_APP]
        )
        return int(cursor.fetchone()[0])
