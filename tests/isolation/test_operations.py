"""`Isolate`: the migration operation that fences a table, and only where the table is."""

from typing import Any

import pytest
from django.db import connections
from django.db.migrations.state import ProjectState

from apps.isolation.operations import Isolate
from tests.isolation.probe import TENANT_APP

STATE = ProjectState()


def run(operation: Isolate, schema: str) -> list[str]:
    """The statements that the operation would send in a schema."""
    owner: Any = connections["owner"]
    owner.set_schema(schema, include_public=False)
    try:
        with owner.schema_editor(collect_sql=True, atomic=False) as editor:
            operation.database_forwards(TENANT_APP, editor, STATE, STATE)
            return list(editor.collected_sql)
    finally:
        owner.set_schema_to_public()


def test_in_a_location_it_fences() -> None:
    said = "\n".join(run(Isolate("usage_thing"), "tenlyr_shared"))
    for part in (
        'ALTER TABLE "usage_thing" ENABLE ROW LEVEL SECURITY',
        'ALTER TABLE "usage_thing" FORCE ROW LEVEL SECURITY',
        'CREATE POLICY tenant_fence ON "usage_thing" AS RESTRICTIVE FOR ALL TO tenlyr_app',
        'CREATE POLICY fleet_rw ON "usage_thing" FOR ALL TO tenlyr_fleet',
        'GRANT SELECT ON "usage_thing" TO tenlyr_app',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON "usage_thing" TO tenlyr_fleet',
    ):
        assert part in said


def test_in_public_it_does_nothing() -> None:
    assert run(Isolate("usage_thing"), "public") == []


def test_each_table_says_what_the_app_may() -> None:
    said = "\n".join(run(Isolate("t", app="SELECT, INSERT", fleet="SELECT"), "tenlyr_shared"))
    assert 'GRANT SELECT, INSERT ON "t" TO tenlyr_app' in said
    assert 'GRANT SELECT ON "t" TO tenlyr_fleet' in said


def test_it_changes_no_model_and_goes_one_way() -> None:
    before = STATE.clone()
    operation = Isolate("t")
    operation.state_forwards(TENANT_APP, STATE)
    assert before == STATE
    assert not operation.reversible
    assert operation.describe() == "Fence the rows of t by tenant"
    with pytest.raises(NotImplementedError):
        operation.database_backwards(TENANT_APP, None, STATE, STATE)
