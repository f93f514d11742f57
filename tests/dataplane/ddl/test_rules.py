"""What a release may say, and what it may not, each with its statement and line."""

import pytest

from apps.dataplane.ddl import rules, statements
from apps.dataplane.ddl.statements import Refused

ALLOWED = [
    "CREATE TABLE a (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id))",
    "CREATE TABLE IF NOT EXISTS a (b text COLLATE \"C\" DEFAULT lower('X') CHECK (length(b) > 0))",
    "CREATE TABLE a (b int GENERATED ALWAYS AS (1 + 1) STORED) WITH (fillfactor = 70)",
    "ALTER TABLE a ADD COLUMN b numeric(10, 2) NOT NULL DEFAULT 0, DROP COLUMN c",
    "ALTER TABLE a ALTER b TYPE text USING b::text, ALTER c SET NOT NULL, ALTER c DROP DEFAULT",
    "ALTER TABLE a ADD CONSTRAINT x CHECK (b > 0) NOT VALID, VALIDATE CONSTRAINT x",
    "ALTER TABLE a RENAME TO b",
    "ALTER TABLE a RENAME COLUMN b TO c",
    "CREATE UNIQUE INDEX i ON a (tenant_id, lower(b)) WHERE c IS NULL",
    "CREATE INDEX ON a USING gin (to_tsvector('english', b))",
    "CREATE TYPE mood AS ENUM ('a', 'b')",
    "ALTER TYPE mood ADD VALUE 'c' AFTER 'a'",
    "COMMENT ON COLUMN a.b IS 'x'",
    "COMMENT ON TABLE a IS NULL",
    "DROP INDEX i, j",
    "DROP TABLE IF EXISTS a CASCADE",
    "DROP TYPE mood",
    "CREATE SEQUENCE s START 5 OWNED BY a.b",
    "DROP SEQUENCE s",
]
FORBIDDEN = [
    "SELECT 1",
    "BEGIN",
    "SET ROLE tenlyr_owner",
    "DO $$ BEGIN END $$",
    "INSERT INTO a VALUES (1)",
    "COPY a FROM '/etc/passwd'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION f()",
    "CREATE VIEW v AS SELECT 1",
    "CREATE MATERIALIZED VIEW v AS SELECT 1",
    "CREATE RULE r AS ON SELECT TO a DO INSTEAD NOTHING",
    "CREATE POLICY p ON a",
    "CREATE EXTENSION hstore",
    "CREATE SCHEMA s",
    "CREATE TABLE a AS SELECT 1",
    "CREATE TABLE a (LIKE b)",
    "CREATE TEMP TABLE a (b int)",
    "CREATE UNLOGGED TABLE a (b int)",
    "CREATE TABLE a (b int) PARTITION BY RANGE (b)",
    "CREATE TABLE a PARTITION OF b DEFAULT",
    "CREATE TABLE a () INHERITS (b)",
    "CREATE TABLE a (b int) TABLESPACE t",
    "CREATE TABLE a (b int, EXCLUDE USING gist (b WITH =))",
    "CREATE TABLE a (b int DEFAULT (SELECT 1))",
    "CREATE TABLE a (b text DEFAULT set_config('role', 'tenlyr_owner', false))",
    "CREATE TABLE a (b xml DEFAULT query_to_xml('SELECT 1', true, true, ''))",
    "CREATE TABLE a (b int DEFAULT pg_backend_pid())",
    "CREATE TABLE a (b oid DEFAULT pg_catalog.lo_create(0))",
    "CREATE INDEX CONCURRENTLY i ON a (b)",
    "DROP INDEX CONCURRENTLY i",
    "DROP SCHEMA s CASCADE",
    "DROP OWNED BY tenlyr_owner",
    "ALTER TABLE a OWNER TO tenlyr_app",
    "ALTER TABLE a DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE a NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE a DISABLE TRIGGER ALL",
    "ALTER TABLE a REPLICA IDENTITY FULL",
    "ALTER TABLE a SET SCHEMA public",
    "ALTER TABLE a SET UNLOGGED",
    "ALTER TABLE a INHERIT b",
    "ALTER TABLE a ATTACH PARTITION b DEFAULT",
    "ALTER TYPE mood OWNER TO tenlyr_app",
    "GRANT ALL ON a TO PUBLIC",
    "COMMENT ON SCHEMA s IS 'x'",
    "COMMENT ON ROLE tenlyr_owner IS 'x'",
]
QUALIFIED = [
    "CREATE TABLE public.a (b int)",
    "ALTER TABLE tenlyr_shared.usage_event ADD COLUMN b int",
    "DROP TABLE public.tenants_tenant",
    "DROP TYPE public.mood",
    "CREATE TYPE public.mood AS ENUM ()",
    "COMMENT ON COLUMN public.a.b IS 'x'",
    "CREATE TABLE a (b public.mood)",
    "CREATE TABLE a (b int DEFAULT public.f())",
    "CREATE TABLE a (b int REFERENCES public.tenants_tenant)",
    "CREATE INDEX ON public.a (b)",
    "CREATE SEQUENCE public.s",
    "CREATE SEQUENCE s OWNED BY public.a.b",
]
ON_TENANT = [
    "ALTER TABLE a DROP COLUMN tenant_id",
    "ALTER TABLE a ALTER tenant_id DROP NOT NULL",
    "ALTER TABLE a ALTER tenant_id SET DEFAULT gen_random_uuid()",
    "ALTER TABLE a ALTER tenant_id TYPE text",
    "ALTER TABLE a RENAME COLUMN tenant_id TO x",
]


def refusal(sql: str) -> statements.Refusal:
    """Why the SQL is not taken."""
    with pytest.raises(Refused) as caught:
        check(sql)
    return caught.value.refusal


def check(sql: str) -> None:
    """Judge each statement."""
    for one in statements.read(sql):
        rules.check(one)


@pytest.mark.parametrize("sql", ALLOWED)
def test_tables_and_what_belongs_to_them(sql: str) -> None:
    [one] = statements.read(sql)
    rules.check(one)
    assert one.text == sql


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_anything_else_is_refused(sql: str) -> None:
    assert refusal(sql).code == "forbidden_statement"


@pytest.mark.parametrize("sql", QUALIFIED)
def test_names_carry_no_schema(sql: str) -> None:
    assert refusal(sql).code == "qualified_name"


@pytest.mark.parametrize("sql", ON_TENANT)
def test_the_tenants_column_stays(sql: str) -> None:
    assert refusal(sql).code == "tenant_column"


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE tenlyr_x (a int)", "ALTER TABLE a RENAME TO TENLYR_X"]
)
def test_names_of_ours_are_ours(sql: str) -> None:
    assert refusal(sql).code == "reserved_name"


def test_a_refusal_names_statement_and_line() -> None:
    found = refusal("CREATE TABLE a (b int);\n-- x;\n\nGRANT ALL\nON a TO PUBLIC;")
    assert (found.statement, found.line) == (2, 4)
    assert found.text.startswith("Statement 2, line 4: A release holds only")


def test_the_tables_of_a_statement() -> None:
    [one, other] = statements.read("ALTER TABLE a RENAME TO b; CREATE TABLE c (d int REFERENCES e)")
    assert rules.tables_named(one) == {"a", "b"}
    assert rules.tables_named(other) == {"c", "e"}
