"""Each hole, planted alone, is found by the proof; without it there is none (Done 5).

The plants are committed, because attacks come by connections of their own; each is undone.
"""

from dataclasses import dataclass

import pytest

from apps.prover.models import Status
from tests.cast import Account, Customer
from tests.prover.support import (
    SHARED,
    findings,
    got_through,
    nothing_left,
    planted,
    prove,
    report,
)

TABLE = f"{SHARED}.usage_rollup"
ROLLUP = "S.usage_rollup"
READS = {"read", "readAnybody"}
CONTEXT = "(SELECT nullif(current_setting('tenlyr.tenant_id', true), '')::uuid)"


@dataclass(frozen=True)
class Plant:
    """A hole, how it is closed, the defect that is named, and which reads get through."""

    plant: str
    undo: str
    defects: frozenset[tuple[str, str]]
    paths: frozenset[str] = frozenset()
    table: str = ROLLUP


def defect(name: str, of: str = ROLLUP) -> frozenset[tuple[str, str]]:
    return frozenset({(name, of)})


EVERY_PATH = frozenset({"scope", "outside", "task", "pooled"})
PLANTS = {
    "row-level security switched off": Plant(
        f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY",
        defect("no_rls"),
        EVERY_PATH | {"role"},
    ),
    "policy with an OR": Plant(
        f"ALTER POLICY tenant_rw ON {TABLE} USING (tenant_id = {CONTEXT} OR count = 1);;"
        f"ALTER POLICY tenant_fence ON {TABLE} USING (tenant_id = {CONTEXT} OR count = 1)",
        f"ALTER POLICY tenant_rw ON {TABLE} USING (tenant_id = {CONTEXT});;"
        f"ALTER POLICY tenant_fence ON {TABLE} USING (tenant_id = {CONTEXT})",
        defect("policy_with_or") | defect("no_restrictive_fence"),
        EVERY_PATH,
    ),
    "table owned by the app's role": Plant(
        f"ALTER TABLE {TABLE} OWNER TO tenlyr_app",
        f"ALTER TABLE {TABLE} OWNER TO tenlyr_owner;;"
        f"REVOKE ALL ON {TABLE} FROM tenlyr_app;;GRANT SELECT ON {TABLE} TO tenlyr_app",
        defect("foreign_owner") | defect("role_owns_objects", "tenlyr_app"),
    ),
    "BYPASSRLS": Plant(
        "ALTER ROLE tenlyr_app BYPASSRLS",
        "ALTER ROLE tenlyr_app NOBYPASSRLS",
        defect("dangerous_role", "tenlyr_app"),
        EVERY_PATH | {"role"},
    ),
    "a view that leaks": Plant(
        f"CREATE VIEW public.leak AS SELECT * FROM {TABLE};;GRANT SELECT ON public.leak TO PUBLIC",
        "DROP VIEW public.leak",
        defect("view_not_invoker", "public.leak")
        | defect("granted_to_public", "public.leak")
        | defect("foreign_owner", "public.leak"),
        frozenset({"scope", "outside"}),
        "*",
    ),
    "a grant to PUBLIC": Plant(
        f"GRANT SELECT, UPDATE ON {TABLE} TO PUBLIC",
        f"REVOKE ALL ON {TABLE} FROM PUBLIC",
        defect("granted_to_public"),
    ),
    "the app may become the fleet": Plant(
        "GRANT tenlyr_fleet TO tenlyr_app",
        "REVOKE tenlyr_fleet FROM tenlyr_app",
        defect("role_is_member", "tenlyr_app of tenlyr_fleet"),
        frozenset({"role"}),
        "*",
    ),
}


def test_a_whole_installation_has_no_hole(
    workspace: Account, acme: Customer, own_schema: str
) -> None:
    proof = prove(workspace.id)
    assert (findings(proof), got_through(proof)) == (set(), set())
    assert (proof.status, proof.breaches, proof.unproven, proof.defects) == (
        Status.PASSED,
        0,
        0,
        0,
    ), report(proof)["attacks"]
    assert proof.attacks > 150, report(proof)["attacks"]
    assert nothing_left()


@pytest.mark.parametrize("hole", PLANTS.values(), ids=PLANTS)
def test_a_hole_is_found(workspace: Account, hole: Plant) -> None:
    with planted(hole.plant, hole.undo):
        proof = prove(workspace.id)
        through = got_through(proof)
        assert proof.status == Status.FAILED
        assert findings(proof) == hole.defects
        assert {path for table, path, _ in through if table == hole.table} == hole.paths
        assert nothing_left()
    healed = prove(workspace.id)
    assert (healed.status, findings(healed), got_through(healed)) == (Status.PASSED, set(), set())


def test_a_hole_in_a_schema_of_ones_own(workspace: Account, own_schema: str) -> None:
    table = f"{own_schema}.usage_event"
    off = f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
    with planted(off, off.replace("DISABLE", "ENABLE")):
        proof = prove(workspace.id)
        assert findings(proof) == {("no_rls", table)}
        assert (table, "scope", "read") in got_through(proof)
    assert prove(workspace.id).status == Status.PASSED


def test_another_workspace_hears_nothing_of_it(
    workspace: Account, own_schema: str, stranger: Customer
) -> None:
    """A hole in a Location of one workspace is not shown to the other."""
    table = f"{own_schema}.usage_event"
    with planted(f"GRANT SELECT ON {table} TO PUBLIC", f"REVOKE ALL ON {table} FROM PUBLIC"):
        foreign = prove(stranger.workspace.id)
        assert (foreign.status, findings(foreign)) == (Status.PASSED, set())
        assert own_schema not in str(report(foreign))
        assert findings(prove(workspace.id)) == {("granted_to_public", table)}
