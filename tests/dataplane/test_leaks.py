"""Whatever SQL a tenant's login runs, through PgBouncer in transaction mode: its own rows only."""

import os
import threading
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from tests import servers
from tests.dataplane.conftest import Stage
from tests.dataplane.plane import Session, login_url

FOREIGN = ("initech", "globex")
# What may change who a session is, as far as a session can say so itself.
PRETENCES = [
    "SELECT 1",
    "SELECT set_config('tenlyr.tenant_id', '{victim}', false)",
    "SELECT set_config('tenlyr.tenant', '{victim}', false)",
    "SET tenlyr.tenant = '{victim}'",
    "SET search_path = {schema}, tenlyr_dataplane, public",
    "RESET ALL",
    "DISCARD ALL",
    "SET ROLE {group}",
    "RESET ROLE",
    "RESET SESSION AUTHORIZATION",
    "SET row_security = off",
    "SET ROLE {entrance}",
]
# What is not granted, whoever asks.
REFUSED = [
    "SET ROLE {other}",
    "SET SESSION AUTHORIZATION {other}",
    "SET ROLE tenlyr_owner",
    "SET ROLE tenlyr_fleet",
    "SET ROLE tenlyr_app",
    "SET ROLE {owner}",
    "SET session_replication_role = replica",
    "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE customers DISABLE TRIGGER ALL",
    "DROP POLICY tenant_fence ON customers",
    "CREATE POLICY mine ON customers USING (true)",
    "TRUNCATE orders",
    "CREATE TABLE mine (a int)",
    "CREATE TEMP TABLE customers (a int)",
    "CREATE VIEW mine AS SELECT * FROM customers",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER mine BEFORE INSERT ON notes EXECUTE FUNCTION lo_manage()",
    "CREATE SCHEMA mine",
    "GRANT {group} TO {other}",
    "ALTER ROLE {other} PASSWORD 'x'",
    "ALTER ROLE {role} SUPERUSER",
    "COPY customers TO '/tmp/stolen'",
    "COPY customers TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * FROM tenlyr_dataplane.login",
    "UPDATE tenlyr_dataplane.login SET tenant_id = '{victim}'",
    "INSERT INTO tenlyr_dataplane.login VALUES ('{role}', '{victim}', 'x')",
    "SELECT tenlyr_dataplane.add_login('{role}', '{victim}', 'SCRAM-SHA-256$', NULL, 1)",
    "SELECT tenlyr_dataplane.save_login('{role}', '{victim}', 'SCRAM', NULL, 1, '{schema}')",
    "SELECT tenlyr_dataplane.drop_login('{other}')",
    "SELECT tenlyr_dataplane.kick('{other}')",
    "SELECT tenlyr_dataplane.enter('{role}', '{schema}')",
    "SELECT tenlyr_dataplane.apply('{schema}', 9, ARRAY['SELECT 1'])",
    "SELECT tenlyr_dataplane.fence('{schema}')",
    "SELECT * FROM tenlyr_dataplane.verifier_of('{other}')",
    "SELECT * FROM tenlyr_dataplane.place_of('{victim}')",
    "SELECT public.dataplane_drop('{schema}')",
    "SELECT * FROM public.tenants_tenant",
    "SELECT * FROM tenlyr_shared.usage_event",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_authid",
    "SELECT currval('{schema}.customers_id_seq'), setval('customers_id_seq', 1)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenlyr_app'",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO PUBLIC",
    "ALTER DATABASE {database} OWNER TO {role}",
]
READS = [
    "SELECT * FROM customers, orders",
    "TABLE notes",
    "SELECT * FROM {shared}.customers",
    "SELECT * FROM {shared}.orders WHERE tenant_id = '{victim}'",
    "SELECT * FROM {shared}.notes WHERE text LIKE '%' OR true",
    "WITH w AS MATERIALIZED (SELECT * FROM {shared}.customers) SELECT * FROM w",
    "SELECT max(email), min(email) FROM {shared}.customers",
    "SELECT c.* FROM {shared}.orders o RIGHT JOIN {shared}.customers c ON true",
    "SELECT * FROM {shared}.customers FOR UPDATE",
    "SELECT query_to_xml('SELECT * FROM {shared}.customers', true, true, '')",
    "SELECT table_to_xml('{shared}.notes', true, true, '')",
    "SELECT schema_to_xml('{shared}', true, true, '')",
    "SELECT * FROM pg_stats WHERE schemaname LIKE 'op\\_%%' OR schemaname LIKE 'd\\_%%'",
    "SELECT * FROM pg_stats_ext",
    "SELECT query FROM pg_stat_activity WHERE usename <> current_user",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {shared}.customers",
    "DELETE FROM {shared}.notes WHERE tenant_id = '{victim}' RETURNING *",
    "UPDATE {shared}.notes SET text = text || '!' WHERE tenant_id = '{victim}' RETURNING *",
    "MERGE INTO {shared}.notes n USING (SELECT 1) s ON true"
    " WHEN MATCHED AND n.text LIKE '%initech%' THEN DELETE",
]
INVADING = [
    "INSERT INTO {shared}.notes (tenant_id, text) VALUES ('{victim}', 'planted')",
    "UPDATE {shared}.notes SET tenant_id = '{victim}'",
    "INSERT INTO {shared}.orders (tenant_id, customer_id) VALUES ('{victim}', 1)",
    "MERGE INTO {shared}.notes n USING (SELECT 1) s ON false"
    " WHEN NOT MATCHED THEN INSERT (tenant_id, text) VALUES ('{victim}', 'planted')",
]


@pytest.fixture(scope="module")
def words(stage: Stage) -> dict[str, str]:
    """The names an attacker could at best have learned."""
    from apps.dataplane import names

    [(globex,)] = stage.globex.run("SELECT current_schema()")
    [(entrance,)] = stage.acme.run(
        "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = session_user"
        " AND g.rolname LIKE 'tenlyr\\_at\\_%'"
    )
    return {
        "victim": str(stage.initech.customer.id),
        "role": stage.acme.role,
        "other": stage.initech.role,
        "schema": globex,
        "shared": names.shared_schema(stage.account.id),
        "group": f"tenlyr_g_{stage.account.id.hex}",
        "owner": f"tenlyr_w_{stage.account.id.hex}",
        "entrance": entrance,
        "database": stage.acme.run("SELECT current_database()")[0][0],
    }


def ways(session: Session, direct: str) -> list[str]:
    """The login's address through the pooler and past it."""
    return [session.url, login_url(direct, session.role, session.made.password)]


def leaked(rows: Any) -> list[str]:
    """The other tenants' marks in an answer."""
    return [mark for mark in FOREIGN if mark in str(rows)]


def outcome(connection: Any, statement: str) -> Any:
    """Rows, or the error's text and SQLSTATE: both are what the attacker gets to see."""
    try:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else cursor.statusmessage
    except psycopg.Error as error:
        # Not `str(error)`: it repeats the attacker's own statement.
        said = error.diag
        return f"{error.sqlstate} {said.message_primary} {said.message_detail} {said.context}"


def rows_now(stage: Stage) -> list[Any]:
    """Every row of the two others, as they see them."""
    return [
        sorted(map(str, session.run(f"SELECT * FROM {table}")))
        for session in (stage.initech, stage.globex)
        for table in ("customers", "orders", "notes")
    ]


@pytest.mark.parametrize("pretence", PRETENCES)
def test_no_pretence_shows_a_foreign_row(
    stage: Stage, words: dict[str, str], pretence: str
) -> None:
    before = rows_now(stage)
    with stage.acme.connect(autocommit=False, prepare_threshold=None) as connection:
        outcome(connection, pretence.format(**words))
        connection.rollback() if pretence == "DISCARD ALL" else None
        for read in READS:
            with connection.transaction(force_rollback=True):
                connection.execute(sql.SQL("SAVEPOINT a"))
                said = outcome(connection, read.format(**words))
                connection.execute("ROLLBACK TO a")
            assert not leaked(said), read
        connection.rollback()
    assert rows_now(stage) == before


@pytest.mark.parametrize("statement", REFUSED)
def test_what_is_not_granted_is_refused(
    stage: Stage, words: dict[str, str], statement: str
) -> None:
    said = outcome_once(stage.acme, statement.format(**words))
    assert isinstance(said, str)
    assert said[:5] in {"42501", "42P01", "3F000", "55000"}, said
    assert not leaked(said)


def outcome_once(session: Session, statement: str) -> Any:
    """The outcome on a connection of its own."""
    with session.connect(prepare_threshold=None) as connection:
        return outcome(connection, statement)


def test_what_one_does_not_own_one_cannot_give(stage: Stage, words: dict[str, str]) -> None:
    """Postgres says GRANT, with a warning that nothing was granted."""
    assert outcome_once(stage.acme, "GRANT SELECT ON customers TO PUBLIC") == "GRANT"
    table = f"{words['shared']}.customers"
    assert stage.acme.run(
        "SELECT grantee FROM pg_class c, aclexplode(c.relacl) WHERE c.oid = %s::regclass"
        " AND grantee = 0", table
    ) == []  # fmt: skip


@pytest.mark.parametrize("statement", INVADING)
def test_no_row_becomes_anothers(stage: Stage, words: dict[str, str], statement: str) -> None:
    before = rows_now(stage)
    assert outcome_once(stage.acme, statement.format(**words))[:5] == "42501"
    assert rows_now(stage) == before


def test_a_foreign_key_tells_nothing_of_anothers_rows(stage: Stage) -> None:
    """A customer that is another's and one that never was: the same error."""
    [(theirs,)] = stage.initech.run("SELECT max(id) FROM customers")
    said = [
        outcome_once(stage.acme, f"INSERT INTO orders (customer_id) VALUES ({number})")
        for number in (theirs, 999_999_999)
    ]
    assert said[0].replace(str(theirs), "") == said[1].replace("999999999", "")
    assert said[0].startswith("23503")


def test_a_unique_value_of_another_is_free(stage: Stage) -> None:
    with stage.acme.connect(autocommit=False) as connection:
        connection.execute("INSERT INTO customers (email) VALUES ('1@initech')")
        connection.rollback()


def test_copy_both_ways(stage: Stage, words: dict[str, str]) -> None:
    with stage.acme.connect() as connection:
        with connection.cursor().copy("COPY (SELECT * FROM customers) TO STDOUT") as out:
            read = b"".join(out)
        with connection.cursor().copy(f"COPY {words['shared']}.notes TO STDOUT") as out:
            read += b"".join(out)
        assert b"acme" in read
        assert not leaked(read)
        for statement in ("COPY notes (text) FROM STDIN", "COPY notes FROM STDIN"):
            # Postgres does not take it under a policy, so it is no way in either.
            with (
                pytest.raises(psycopg.errors.FeatureNotSupported),
                connection.cursor().copy(statement) as into,
            ):
                into.write(f"{words['victim']}\\tplanted\\n")


def test_cursors_and_prepared_statements(stage: Stage) -> None:
    with stage.acme.connect(autocommit=False) as connection:
        connection.execute("DECLARE c CURSOR FOR SELECT * FROM customers")
        fetched = connection.execute("FETCH ALL FROM c").fetchall()
        connection.execute("PREPARE p (text) AS SELECT * FROM customers WHERE email LIKE $1")
        fetched += connection.execute("EXECUTE p ('%')").fetchall()
        connection.execute("DEALLOCATE p")
        connection.rollback()
    assert len(fetched) == 4
    assert not leaked(fetched)


def test_a_plan_made_before_is_no_way_around(stage: Stage) -> None:
    """A held cursor and a prepared statement that stay on the pooler's connection: the pool is the
    login's own, so that whoever meets them is the same tenant.
    """
    with stage.acme.connect() as connection:
        outcome(connection, "PREPARE left_behind AS SELECT * FROM customers")
        outcome(connection, "DECLARE held CURSOR WITH HOLD FOR SELECT * FROM customers")
    for statement in ("EXECUTE left_behind", "FETCH ALL FROM held"):
        assert outcome_once(stage.initech, statement)[:5] in {"26000", "34000"}


def test_do_blocks_and_functions_see_no_more(stage: Stage, words: dict[str, str]) -> None:
    said = outcome_once(
        stage.acme,
        "DO $$ DECLARE r record; BEGIN"
        f" FOR r IN SELECT * FROM {words['shared']}.customers LOOP"
        " IF r.email LIKE '%initech' THEN RAISE EXCEPTION '%', r; END IF; END LOOP; END $$",
    )
    assert said == "DO"


def test_statistics_hide_values(stage: Stage, words: dict[str, str]) -> None:
    """ANALYZE gathers everybody's values; a tenant sees none of them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ANALYZE {words['shared']}.customers")
    superuser = servers.current().postgres.superuser_url
    with psycopg.connect(superuser, autocommit=True) as connection:
        known = "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE"
        said = connection.execute(
            f"{known} schemaname = %s AND attname = 'email'", [words["shared"]]
        ).fetchall()
    assert leaked(said) == ["initech"]
    assert stage.acme.run("SELECT * FROM pg_stats WHERE tablename = 'customers'") == []
    assert outcome_once(stage.acme, "SELECT stavalues1 FROM pg_statistic")[:5] == "42501"


def test_a_leaky_function_is_not_called_on_anothers_rows(
    stage: Stage, words: dict[str, str]
) -> None:
    """The fence comes before whatever the caller's own WHERE does to a row."""
    rows = f"SELECT * FROM {words['shared']}.customers WHERE"
    said = outcome_once(
        stage.acme, f"{rows} 1 / (email = '1@initech')::int >= 0 AND email LIKE '%initech'"
    )
    assert not leaked(said)
    casts = outcome_once(stage.acme, f"{rows} email::int > 0")
    assert "acme" in casts
    assert not leaked(casts)


def test_many_clients_few_connections(stage: Stage) -> None:
    """Three tenants at once over two server connections each: every row is looked at."""
    wrong: list[Any] = []
    seen = threading.Semaphore(0)

    def work(session: Session, mark: str) -> None:
        for _ in range(15):
            with session.connect(autocommit=False, prepare_threshold=None) as connection:
                connection.execute(
                    "SELECT set_config('tenlyr.tenant', gen_random_uuid()::text, false)"
                )
                rows = connection.execute("SELECT email FROM customers").fetchall()
                wrong.extend(row for row in rows if mark not in row[0])
                wrong.extend(["missing"] if len(rows) != 2 else [])
                seen.release()

    sessions = ((stage.acme, "acme"), (stage.initech, "initech"), (stage.globex, "globex"))
    threads = [threading.Thread(target=work, args=pair) for pair in sessions for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert all(seen.acquire(blocking=False) for _ in range(9 * 15))


def test_past_the_pooler_it_is_the_same(stage: Stage, words: dict[str, str]) -> None:
    for url in ways(stage.acme, os.environ["DATABASE_URL"]):
        with psycopg.connect(url, autocommit=True) as connection:
            for read in READS:
                assert not leaked(outcome(connection, read.format(**words))), read


def test_the_dedicated_schema_is_closed_to_others(stage: Stage, words: dict[str, str]) -> None:
    said = outcome_once(stage.acme, f"SELECT * FROM {words['schema']}.customers")
    assert said[:5] == "42501"
