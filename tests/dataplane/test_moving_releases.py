"""A release that comes to a tenant's schema before its move, or during it: no row stays behind."""

from typing import Any

import pytest
from django.db import transaction

from apps.dataplane import applying, backing_up, connecting, places
from apps.dataplane.applying import DdlFailed
from apps.dataplane.models import Release, SchemaState
from apps.dataplane.moving import OperatorTables
from apps.isolation.moves import sequences
from apps.isolation.public import Level, MoveBusy, group, run_move, start_move
from tests import cast
from tests.cast import Account, Customer
from tests.dataplane import plane
from tests.dataplane.plane import Session

MORE = "CREATE TABLE more (tenant_id uuid NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id))"

NUMBERED = """
CREATE SEQUENCE numbers;
CREATE SEQUENCE others;
CREATE TABLE bills (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL DEFAULT nextval('numbers'),
    day date,
    PRIMARY KEY (tenant_id, id)
)
"""


@pytest.fixture
def tenant(workspace: Account) -> Customer:
    """It has a schema of its own, which lacks the second release."""
    plane.release(workspace)
    made = cast.tenant(workspace, isolation_level="dedicated_schema")
    plane.release(workspace, MORE, 2)
    return made


def schema_of(tenant: Customer) -> str:
    home = places.home_of(tenant.id)
    assert home is not None
    return home.schema


def bring(tenant: Customer) -> None:
    """What a roll-out does with the schema, up to the moment in which it would note that."""
    releases = Release.objects.filter(workspace_id=tenant.workspace.id, version=2)
    applying.bring(schema_of(tenant), releases, using="owner")
    assert SchemaState.objects.get(pk=schema_of(tenant)).version == 1


def session(tenant: Customer) -> Session:
    """A credential of the tenant's, where it lives."""
    found = connecting.of(tenant.workspace.id, tenant.id)
    return Session(tenant, f"postgresql://{found.host}:{found.port}/{found.database}")


def move(tenant: Customer) -> Any:
    with transaction.atomic():
        begun = start_move(
            workspace_id=tenant.workspace.id,
            tenant_id=tenant.id,
            target=Level.DEDICATED_DATABASE,
            driver="database",
        )
    return run_move(begun.id)


def test_what_a_roll_out_brought_and_did_not_note_moves(tenant: Customer) -> None:
    bring(tenant)
    session(tenant).run("INSERT INTO more (id) VALUES (1)")
    assert backing_up.versions(tenant.id) == {"release": "2"}
    done = move(tenant)
    assert (done.status, done.error) == ("completed", "")
    assert session(tenant).run("SELECT id FROM more") == [(1,)]


def test_a_table_of_the_last_moment_ends_the_move(
    tenant: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes, with a row, after the last look at the tables and before writers are held."""
    login, ends = session(tenant), sequences.ends

    def late(journey: Any) -> Any:
        if not came:
            bring(tenant)
            login.run("INSERT INTO more (id) VALUES (1)")
            came.append(True)
        return ends(journey)

    came: list[bool] = []
    monkeypatch.setattr(sequences, "ends", late)
    home = list(group([tenant.id]))
    failed = move(tenant)
    assert (came, failed.status) == ([True], "failed")
    assert failed.error == "The tenant's tables were changed during the migration."
    assert list(group([tenant.id])) == home
    assert login.run("SELECT id FROM more") == [(1,)]


def test_a_sequence_of_no_column_goes_on_where_it_stands(workspace: Account) -> None:
    plane.release(workspace, NUMBERED)
    tenant = cast.tenant(workspace, isolation_level="dedicated_schema")
    login = session(tenant)
    login.run("INSERT INTO bills (day) SELECT current_date FROM generate_series(1, 3)")
    assert login.run("SELECT nextval('numbers'), nextval('others')") == [(4, 1)]
    assert move(tenant).status == "completed"
    there = session(tenant)
    there.run("INSERT INTO bills (day) VALUES (current_date)")
    assert there.run("SELECT id FROM bills ORDER BY id") == [(1,), (2,), (3,), (5,)]
    assert there.run("SELECT nextval('others')") == [(2,)]


def test_no_release_comes_while_writers_are_held(tenant: Customer) -> None:
    part = OperatorTables()
    with part.hold(tenant.id), pytest.raises(DdlFailed) as refused:
        bring(tenant)
    assert refused.value.is_busy
    with transaction.atomic(using="owner"):
        bring(tenant)
        with pytest.raises(MoveBusy), part.hold(tenant.id):
            pytest.fail("a release is at its schema")
    with part.hold(tenant.id):
        home = places.home_of(tenant.id)
        assert home is not None
        assert places.version_at(home) == 2
