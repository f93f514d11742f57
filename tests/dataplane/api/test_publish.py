"""`dataplane.publish`, `dataplane.get`, `dataplane.list`: versions of an operator's tables."""

from typing import Any

import pytest
from django.db import connections, transaction

from apps.dataplane import names
from tests import cast
from tests.cast import Account, Answer, Api
from tests.dataplane import plane

PATH = "/api/v1/dataplane/releases"
KEY = "PRIMARY KEY (tenant_id, id)"
THING = f"CREATE TABLE thing (tenant_id uuid NOT NULL, id int NOT NULL, {KEY})"


def publish(api: Api, account: Account, sql: str, version: int = 1, **more: Any) -> Answer:
    return api.post(PATH, {"version": version, "sql": sql}, key=account.key, **more)


def relations(account: Account) -> set[str]:
    """What is in the workspace's shared schema."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s)"
            " AND relkind IN ('r', 'v', 'm', 'f', 'p')",
            [names.shared_schema(account.id)],
        )
        return {name for (name,) in cursor.fetchall()}


class Test201:
    def test_the_tables_are_there_and_told(self, api: Api, workspace: Account) -> None:
        answer = publish(api, workspace, plane.SQL)
        assert answer.status == 201, answer.body
        made = answer.body
        assert (made["version"], made["status"], len(made["statements"])) == (1, "published", 5)
        tables = {one["name"]: one for one in made["tables"]}
        assert set(tables) == relations(workspace) == {"customers", "notes", "orders"}
        assert tables["orders"]["key"] == ["tenant_id", "id"]
        assert tables["orders"]["references"] == ["customers"]
        order = [one["name"] for one in made["tables"]]
        assert order.index("customers") < order.index("orders")
        assert {"name": "blob", "type": "bytea", "isNullable": True} in tables["orders"]["columns"]

    def test_it_reads_back(self, api: Api, workspace: Account) -> None:
        made = publish(api, workspace, THING).body
        again = publish(api, workspace, "ALTER TABLE thing ADD COLUMN x int", version=7).body
        assert api.get(f"{PATH}/7", key=workspace.key).body == again
        listed = api.get(f"{PATH}?limit=1", key=workspace.key).body
        assert listed["data"] == [again]
        more = api.get(f"{PATH}?cursor={listed['nextCursor']}", key=workspace.key).body
        assert (more["data"], more["nextCursor"]) == ([made], None)

    def test_everything_is_fenced(self, api: Api, workspace: Account) -> None:
        publish(api, workspace, plane.SQL)
        publish(api, workspace, THING, version=2)
        schema = names.shared_schema(workspace.id)
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, r.rolname,"
                " (SELECT array_agg(polname::text ORDER BY polname) FROM pg_policy"
                "  WHERE polrelid = c.oid),"
                " (SELECT array_agg(tgname::text) FROM pg_trigger"
                "  WHERE tgrelid = c.oid AND NOT tgisinternal)"
                " FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
                " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'",
                [schema],
            )
            rows = cursor.fetchall()
        assert len(rows) == 4
        fence = ["fleet_rw", "tenant_fence", "tenant_rw"]
        owner = f"tenlyr_w_{workspace.id.hex}"
        assert {row[0]: row[1:] for row in rows} == {
            row[0]: (True, owner, fence, ["tenlyr_guard"]) for row in rows
        }

    def test_a_repeat_with_the_same_key_is_the_same_release(
        self, api: Api, workspace: Account
    ) -> None:
        first = publish(api, workspace, THING, idempotency_key="one")
        second = publish(api, workspace, THING, idempotency_key="one")
        assert (first.status, second.status) == (201, 201)
        assert first.body == second.body

    def test_a_tenant_with_a_schema_of_its_own_gets_the_tables_at_birth(
        self, api: Api, workspace: Account
    ) -> None:
        publish(api, workspace, plane.SQL)
        own = cast.tenant(workspace, isolation_level="dedicated_schema")
        shown = api.get("/api/v1/isolation/connection", key=own.key).body
        assert (shown["version"], shown["schema"][:2]) == (1, "d_")
        assert shown["isolationLevel"] == "dedicated_schema"

    def test_one_that_was_there_before_is_due(self, api: Api, workspace: Account) -> None:
        from apps.dataplane import places, selectors
        from apps.isolation.public import locations

        own = cast.tenant(workspace, isolation_level="dedicated_schema")
        publish(api, workspace, THING)
        [due] = selectors.due(workspace.id)
        path = "/api/v1/isolation/connection"
        assert api.get(path, key=own.key).body["version"] == 0
        refused = api.post(f"{path}/credentials", key=own.key).body
        assert refused["code"] == "no_data_plane"
        assert "not in this tenant's own schema yet: roll them out" in refused["message"]
        [location] = [one for one in locations() if one.id == due.location_id]
        for _ in range(2):
            places.furnish(workspace.id, location, 1)
        assert selectors.due(workspace.id) == []
        assert api.get(path, key=own.key).body["version"] == 1
        assert api.post(f"{path}/credentials", key=own.key).status == 201


BAD = {
    "no tenant_id": ("CREATE TABLE a (id int PRIMARY KEY)", "missing_tenant_id"),
    "tenant_id is null": ("CREATE TABLE a (tenant_id uuid UNIQUE)", "missing_tenant_id"),
    "tenant_id is text": ("CREATE TABLE a (tenant_id text PRIMARY KEY)", "missing_tenant_id"),
    "no key": ("CREATE TABLE a (tenant_id uuid NOT NULL, id int)", "no_key"),
    "a key that may be null": (
        "CREATE TABLE a (tenant_id uuid NOT NULL, id int, UNIQUE (tenant_id, id))",
        "no_key",
    ),
    "a partial key": (
        "CREATE TABLE a (tenant_id uuid NOT NULL, id int NOT NULL);"
        "CREATE UNIQUE INDEX ON a (tenant_id, id) WHERE id > 0",
        "no_key",
    ),
    "a key of all tenants": (
        "CREATE TABLE a (tenant_id uuid NOT NULL, id int PRIMARY KEY)",
        "key_without_tenant",
    ),
    "a foreign key across tenants": (
        f"CREATE TABLE a (tenant_id uuid NOT NULL, id int, {KEY});"
        f"CREATE TABLE b (tenant_id uuid NOT NULL, id int, other uuid, a int, {KEY},"
        " FOREIGN KEY (other, a) REFERENCES a (tenant_id, id))",
        "foreign_key_without_tenant",
    ),
    "one that would unset the tenant": (
        f"CREATE TABLE a (tenant_id uuid NOT NULL, id int, up int, {KEY},"
        " FOREIGN KEY (tenant_id, up) REFERENCES a (tenant_id, id) ON DELETE SET NULL)",
        "foreign_key_unsets_tenant",
    ),
    "a circle of foreign keys": (
        f"CREATE TABLE a (tenant_id uuid NOT NULL, id int, b int, {KEY});"
        f"CREATE TABLE b (tenant_id uuid NOT NULL, id int, a int, {KEY},"
        " FOREIGN KEY (tenant_id, a) REFERENCES a (tenant_id, id));"
        "ALTER TABLE a ADD FOREIGN KEY (tenant_id, b) REFERENCES b (tenant_id, id)",
        "foreign_key_circle",
    ),
    "a value of one database only": (
        f"CREATE TABLE a (tenant_id uuid NOT NULL, id int, r regclass, {KEY})",
        "unmovable_column",
    ),
    "syntax": ("CREATE TABEL a (b int)", "syntax"),
    "a statement that is not for releases": ("GRANT ALL ON a TO PUBLIC", "forbidden_statement"),
    "a schema": ("CREATE TABLE public.a (b int)", "qualified_name"),
    "an unknown type": ("CREATE TABLE a (tenant_id uuid, b nonsense)", "refused_by_postgres"),
    "an unknown table": ("ALTER TABLE nowhere ADD COLUMN a int", "refused_by_postgres"),
    "nothing": ("-- nothing", "blank"),
}


class Test422:
    @pytest.mark.parametrize(("sql", "code"), BAD.values(), ids=BAD)
    def test_a_release_that_cannot_be(
        self, api: Api, workspace: Account, sql: str, code: str
    ) -> None:
        answer = publish(api, workspace, f"-- ours\n{THING};\n{sql}" if code != "blank" else sql)
        assert (answer.status, answer.body["code"]) == (422, "invalid_request"), answer.body
        [error] = answer.body["errors"]
        assert (error["field"], error["code"]) == ("sql", code)
        if code != "blank":
            assert answer.body["line"] == 3
            assert answer.body["statement"] >= 2
            assert error["message"].startswith(f"Statement {answer.body['statement']}, line 3: ")
        assert relations(workspace) == set()
        assert api.get(PATH, key=workspace.key).body["data"] == []

    def test_the_statement_that_postgres_refused(self, api: Api, workspace: Account) -> None:
        sql = f"{THING};\n\nCREATE INDEX ON thing (id);\nCREATE INDEX ON thing (nope);"
        answer = publish(api, workspace, sql)
        assert (answer.status, answer.body["statement"], answer.body["line"]) == (422, 3, 4)
        assert 'column "nope" does not exist' in answer.body["message"]

    def test_rows_that_break_a_new_rule(self, api: Api, workspace: Account) -> None:
        publish(api, workspace, THING)
        acme = cast.tenant(workspace)
        with transaction.atomic(using="fleet"), connections["fleet"].cursor() as cursor:
            schema = names.shared_schema(workspace.id)
            cursor.execute(f"INSERT INTO {schema}.thing VALUES (%s, -1)", [acme.id])
        answer = publish(api, workspace, "ALTER TABLE thing ADD CHECK (id > 0)", version=2)
        assert (answer.status, answer.body["statement"]) == (422, 1)
        assert api.get(f"{PATH}/2", key=workspace.key).status == 404

    def test_too_much_sql(self, api: Api, workspace: Account) -> None:
        answer = publish(api, workspace, "-" * 300_000)
        assert (answer.status, answer.body["errors"][0]["code"]) == (422, "max_length")

    @pytest.mark.parametrize("version", [0, -1, "1", 1.5, True, None, 10**12])
    def test_a_version_that_is_none(self, api: Api, workspace: Account, version: Any) -> None:
        answer = publish(api, workspace, THING, version=version)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "version")

    @pytest.mark.parametrize("sql", [None, 7, "a\x00b", "a\x1bb"])
    def test_sql_that_is_none(self, api: Api, workspace: Account, sql: Any) -> None:
        answer = publish(api, workspace, sql)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "sql")


class Test409:
    @pytest.mark.parametrize("version", [3, 2, 1])
    def test_a_version_that_is_not_higher(self, api: Api, workspace: Account, version: int) -> None:
        publish(api, workspace, THING, version=3)
        answer = publish(api, workspace, "DROP TABLE thing", version=version)
        assert (answer.status, answer.body["code"]) == (409, "version_taken")
        assert answer.body["currentVersion"] == 3
        assert relations(workspace) == {"thing"}

    def test_while_a_tenant_moves(self, api: Api, workspace: Account) -> None:
        from apps.isolation.public import Level, start_move

        acme = cast.tenant(workspace)
        with transaction.atomic():
            start_move(workspace_id=workspace.id, tenant_id=acme.id, target=Level.DEDICATED_SCHEMA)
        answer = publish(api, workspace, THING)
        assert (answer.status, answer.body["code"]) == (409, "migration_in_progress")


class Test503:
    def test_tables_in_use(self, api: Api, workspace: Account) -> None:
        publish(api, workspace, THING)
        schema = names.shared_schema(workspace.id)
        with transaction.atomic(using="fleet"), connections["fleet"].cursor() as cursor:
            cursor.execute(f"SELECT * FROM {schema}.thing")
            answer = publish(api, workspace, "ALTER TABLE thing ADD COLUMN x int", version=2)
        assert (answer.status, answer.body["code"]) == (503, "tables_busy")
        assert publish(api, workspace, "ALTER TABLE thing ADD COLUMN x int", 2).status == 201


class Test404:
    @pytest.mark.parametrize("version", [1, 2, 99999999])
    def test_a_release_of_nobody_or_another(
        self, api: Api, workspace: Account, version: int
    ) -> None:
        other = cast.workspace()
        publish(api, other, THING)
        assert api.get(f"{PATH}/{version}", key=workspace.key).status == 404


class Test413:
    def test_a_megabyte_of_sql(self, api: Api, workspace: Account) -> None:
        answer = publish(api, workspace, "-" * (1 << 20))
        assert (answer.status, answer.body["code"]) == (413, "body_too_large")
