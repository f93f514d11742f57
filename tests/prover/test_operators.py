"""The operator's own tables and a tenant's own login under attack, on every level (Done 3, 5)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from apps.dataplane import places
from apps.isolation.public import Location, group, locations
from apps.prover import decoys, operators
from apps.prover.models import Proof, Status
from tenlyr.core import ids
from tests import cast, servers
from tests.cast import Account, Customer
from tests.dataplane import plane
from tests.metering import second
from tests.prover.support import SHARED, findings, got_through, nothing_left, planted, prove, report

TABLES = ("customers", "orders", "notes")
READS = {"read", "readAnybody", "sideChannel"}
WRITES = {"update", "write", "delete", "insert"}


@pytest.fixture(scope="module")
def account(_database: None) -> Account:
    """An operator with three tables, and a tenant with a schema of its own."""
    made = cast.workspace()
    plane.release(made)
    return made


@pytest.fixture(scope="module")
def globex(account: Account) -> Customer:
    made = cast.tenant(account, "Globex", isolation_level="dedicated_schema", plan="growth")
    [place] = group([made.id])
    if places.home_at(account.id, place) is None:
        places.furnish(account.id, place, 1)
    return made


@pytest.fixture
def op(account: Account) -> str:
    """The schema that the workspace's tenants share."""
    return f"op_{account.id.hex}"


@pytest.fixture(autouse=True)
def _no_login_is_left() -> Iterator[None]:
    """Every decoy's role, its line in the look-up and its place are gone after each test."""
    before = logins()
    yield
    assert logins() == before
    assert nothing_left()


def logins() -> tuple[Any, ...]:
    with psycopg.connect(servers.current().postgres.superuser_url) as direct:
        found = direct.execute(
            "SELECT (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenlyr\\_t\\_%'),"
            " (SELECT count(*) FROM tenlyr_dataplane.login),"
            " (SELECT count(*) FROM tenlyr_dataplane.decoy)"
        ).fetchone()
    assert found is not None
    return found


def said(proof: Proof, table: str, path: str) -> dict[str, str]:
    """What became of the acts on a table by one path; of `*` at the shared rows."""
    acts: dict[str, str] = next(
        one["acts"]
        for one in report(proof)["attacks"]
        if (one["table"], one["path"]) == (table, path)
    )
    return acts


def unproven(proof: Proof) -> list[str]:
    """What could not be tried."""
    return [
        f"{line['location']} {line['table']} {line['path']} {act}: {what}"
        for line in report(proof)["attacks"]
        for act, what in line["acts"].items()
        if what.startswith("unproven")
    ]


def through(proof: Proof, table: str) -> dict[str, set[str]]:
    """The acts on a table that got through, by path."""
    found: dict[str, set[str]] = {}
    for name, path, act in got_through(proof):
        if name == table:
            found.setdefault(path, set()).add(act)
    return found


class TestWhole:
    def test_every_table_is_attacked_by_login_on_both_levels(
        self, account: Account, globex: Customer, op: str
    ) -> None:
        proof = prove(account.id)
        assert (proof.status, unproven(proof)) == (Status.PASSED, [])
        [place] = [one for one in locations() if one in group([globex.id])]
        for schema in (op, place.data_schema):
            for table in TABLES:
                for path in ("login", "login + set_config", "login + reset"):
                    acts = said(proof, f"{schema}.{table}", path)
                    assert {act for act, what in acts.items() if what == "nothing (0 rows)"} == {
                        *READS,
                        "update",
                        "delete",
                    }
                    assert {act for act, what in acts.items() if what == "refused (42501)"} == {
                        "write",
                        "insert",
                    }

    def test_a_login_reaches_nothing_of_tenlyrs_own(self, account: Account, op: str) -> None:
        acts = said(prove(account.id), f"{SHARED}.usage_rollup", "login")
        assert set(acts.values()) == {"refused (42501)"}

    def test_a_login_can_become_nobody_else(self, account: Account) -> None:
        lines = [
            line["acts"]
            for line in report(prove(account.id))["attacks"]
            if (line["table"], line["path"]) == ("*", "login + role")
        ]
        assert lines
        for acts in lines:
            assert len(acts) > 12
            assert {"SET ROLE another login", "become by lookup"} <= set(acts)
            assert set(acts.values()) == {"refused (42501)"}

    def test_the_apps_role_reaches_nothing_of_the_operators(
        self, account: Account, op: str
    ) -> None:
        acts = said(prove(account.id), f"{op}.notes", "scope")
        assert set(acts.values()) == {"refused (42501)"}

    def test_the_facts_name_the_operators_tables(self, account: Account, op: str) -> None:
        catalogue = report(prove(account.id))["catalogue"]
        tables = catalogue["shapes"][catalogue["schemas"][f"default/{op}"]]
        assert set(tables["notes"]["policies"]) == {"tenant_rw", "tenant_fence", "fleet_rw"}
        definers = catalogue["databases"]["default"]["definers"]
        others = [name for name in definers if ".run_" in name and account.id.hex not in name]
        assert others == []

    def test_another_workspaces_tables_are_not_its_business(
        self, account: Account, op: str
    ) -> None:
        foreign = report(prove(cast.workspace().id))
        assert op[3:] not in str(foreign)


def trusting(op: str) -> str:
    """Policies that believe a setting: what the prototypes broke with one set_config."""
    setting = "(tenant_id = coalesce((SELECT nullif(current_setting('tenlyr.tenant_id', true), ''))"
    own = f"{setting}::uuid, tenlyr_dataplane.tenant('{op}')))"
    return ";;".join(
        f"ALTER POLICY {name} ON {op}.notes USING {own} WITH CHECK {own}"
        for name in ("tenant_rw", "tenant_fence")
    )


def mended(op: str) -> str:
    own = f"(tenant_id = (SELECT tenlyr_dataplane.tenant('{op}')))"
    return ";;".join(
        f"ALTER POLICY {name} ON {op}.notes USING {own} WITH CHECK {own}"
        for name in ("tenant_rw", "tenant_fence")
    )


class TestHoles:
    def test_a_policy_that_trusts_a_setting(self, account: Account, op: str) -> None:
        with planted(trusting(op), mended(op)):
            proof = prove(account.id)
        found = through(proof, f"{op}.notes")
        assert found.keys() == {"login + set_config"}
        assert found["login + set_config"] >= {"read", "delete", "insert"}
        assert ("no_restrictive_fence", f"{op}.notes") in findings(proof)
        assert prove(account.id).status == Status.PASSED

    def test_the_fence_switched_off(self, account: Account, op: str) -> None:
        off = f"ALTER TABLE {op}.notes DISABLE ROW LEVEL SECURITY"
        with planted(off, off.replace("DISABLE", "ENABLE")):
            proof = prove(account.id)
        found = through(proof, f"{op}.notes")
        assert found["login"] == found["login + reset"] == READS | WRITES
        assert found["login + role"] == {"row_security = off"}
        assert findings(proof) == {("no_rls", f"{op}.notes")}

    def test_a_login_that_may_bypass_it_is_found_by_its_group(
        self, account: Account, op: str
    ) -> None:
        """What a group may, its logins may: here, everything of the table's owner."""
        group_role, owner = f"tenlyr_g_{op[3:]}", f"tenlyr_w_{op[3:]}"
        grant = f"GRANT {owner} TO {group_role}"
        with planted(grant, f"REVOKE {owner} FROM {group_role}"):
            proof = prove(account.id)
        assert proof.status == Status.FAILED
        defects = {defect for defect, _ in findings(proof)}
        assert "role_has_member" in defects

    def test_who_is_who_in_everybodys_hands(self, account: Account) -> None:
        lookup = "tenlyr_dataplane.login"
        with planted(
            f"GRANT SELECT, UPDATE ON {lookup} TO PUBLIC",
            f"REVOKE ALL ON {lookup} FROM PUBLIC",
        ):
            proof = prove(account.id)
        assert through(proof, "*")["login + role"] == {"read the logins", "become by lookup"}
        assert ("granted_to_public", lookup) in findings(proof)


class TestPooled:
    def test_through_the_pooler_that_tenants_use(
        self, account: Account, op: str, bouncer: Any, settings: Any
    ) -> None:
        settings.DATAPLANE_URL = urlsplit(bouncer.url)
        proof = prove(account.id)
        assert (proof.status, proof.unproven) == (Status.PASSED, 0)
        assert said(proof, f"{op}.notes", "pooled login")["read"] == "nothing (0 rows)"
        assert said(proof, f"{op}.notes", "pooled login + set_config")["insert"] == (
            "refused (42501)"
        )

    def test_a_pooler_that_is_away_is_no_verdict(self, account: Account, settings: Any) -> None:
        settings.DATAPLANE_URL = urlsplit("postgresql://127.0.0.1:9/tenlyr")
        proof = prove(account.id)
        assert proof.status == Status.INCOMPLETE
        assert said(proof, "*", "pooled login") == {"connect": "unproven (no connection)"}


class TestADatabaseOfItsOwn:
    @pytest.fixture
    def place(self, account: Account) -> Iterator[Location]:
        """A tenant's own database with the operator's tables in it."""
        from apps.metering import partitions

        tenant = cast.tenant(account, "Initech", plan="enterprise")
        [before] = group([tenant.id])
        alias = second.make()
        made = second.location(alias)
        places.furnish(account.id, made, 1)
        partitions.ensure_partitions()
        second.place(tenant, made)
        [placed] = group([tenant.id])
        yield placed
        second.place(tenant, before)
        second.drop(alias)

    def test_it_is_attacked_like_the_others(self, account: Account, place: Location) -> None:
        proof = prove(account.id)
        name = f"{place.alias}/{place.schema}"
        assert name in report(proof)["scope"]["attacked"]
        assert report(proof)["scope"]["notReached"] == {}
        assert (proof.status, unproven(proof)) == (Status.PASSED, [])
        paths = {line["path"] for line in report(proof)["attacks"] if line["location"] == name}
        assert paths >= {"scope", "outside", "role", "pooled", "task", "login"}
        assert said(proof, f"{place.data_schema}.notes", "login")["read"] == "nothing (0 rows)"
        catalogue = report(proof)["catalogue"]
        assert name in catalogue["schemas"]
        assert place.alias in catalogue["databases"]


def test_decoys_are_in_no_table_of_real_tenants(account: Account, op: str) -> None:
    """While they are out nobody meets them: not in a list, not in a count, not by a placement."""
    shared = next(one for one in locations() if one.schema == SHARED)
    with decoys.planted(shared, account.id) as scene:
        assert {way.name for way in scene.ways_in} == {"login"}
        assert {one.table.schema for one in scene.planted} == {SHARED, op}
        with psycopg.connect(servers.current().postgres.superuser_url) as direct:
            for table in ("tenants_tenant WHERE id", "isolation_placement WHERE tenant_id"):
                counted = direct.execute(
                    f"SELECT count(*) FROM public.{table} = ANY (%s)", [[scene.me, scene.other]]
                ).fetchone()
                assert counted == (0,)


def test_a_workspace_without_tables_has_no_logins() -> None:
    shared = next(one for one in locations() if one.schema == SHARED)
    target = operators.OperatorTables()
    nobody = ids.uuid7()
    assert target.schemas(shared, nobody) == []
    assert target.prepare(shared, nobody, [ids.uuid7()]) == []


def test_names_of_logins_are_as_the_data_plane_wants_them() -> None:
    tenants = [ids.uuid7() for _ in range(50)]
    names = operators.OperatorTables().roles(tenants)
    assert len(set(names)) == 50
    assert all(len(name) == 33 and name.startswith("tenlyr_t_") for name in names)
