"""Types and constraints of an operator's tables: what a release takes moves to every level and
back, and what cannot move is refused with one sentence, at the release or at the move's start.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import transaction

from apps.isolation.public import Level, group, run_move, start_move, why_failed
from tests import cast, servers
from tests.cast import Account
from tests.dataplane.plane import Session, login_url, release
from tests.isolation.moves.disturbing import Disturbance

KEY = "PRIMARY KEY (tenant_id, id)"
HEAD = "tenant_id uuid NOT NULL, id int NOT NULL"
TYPES = f"""
CREATE TYPE region AS ENUM ('north', 'south');
CREATE TABLE pair ({HEAD}, first numeric, second text, {KEY});
CREATE TABLE kinds ({HEAD}, r region, rs region[], c cidr, i inet, m macaddr, v tsvector, p point,
    n int4range, w tstzmultirange, b bit varying(7), j json, q jsonpath, t interval, z timetz,
    h "char", o name, a numeric[], f real, d date, k text COLLATE "C", x pair, xs pair[],
    made int GENERATED ALWAYS AS (id + 1) STORED, seen int GENERATED ALWAYS AS (id + 2) VIRTUAL,
    {KEY}, UNIQUE NULLS NOT DISTINCT (tenant_id, d), CHECK (id > 0));
CREATE UNIQUE INDEX ON kinds (tenant_id, lower(k)) WHERE id > 1;
CREATE TABLE settings (tenant_id uuid PRIMARY KEY, theme text NOT NULL);
CREATE TABLE tree ({HEAD}, up int, {KEY},
    FOREIGN KEY (tenant_id, up) REFERENCES tree (tenant_id, id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE leaf ({HEAD}, tree int, loose int, {KEY},
    FOREIGN KEY (tenant_id, tree) REFERENCES tree (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (tenant_id, loose) REFERENCES tree (tenant_id, id) NOT ENFORCED);
CREATE TABLE moods (tenant_id uuid NOT NULL, id region NOT NULL, note text, {KEY});
"""
ROWS = (
    "INSERT INTO pair (id, first, second) VALUES (1, 1.10, 'a'), (2, 'NaN', NULL)",
    """INSERT INTO kinds (id, r, rs, c, i, m, v, p, n, w, b, j, q, t, z, h, o, a, f, d, k, x, xs)
    SELECT 1, 'south', '{north,south}', '10.0.0.0/8', '::1', '08:00:2b:01:02:03', 'x:1', '(1,2)',
        '[1,5)', '{[2020-01-01,2021-01-01)}', '101', '{"a": 1.00}', '$.a', '1 mon 2 days 00:00:03',
        '10:00+02', 'x', 'name', '{1.10,NULL,NaN}', 1.1, '2020-01-01', 'ü', p, ARRAY[p, NULL]
    FROM pair p WHERE id = 1""",
    "INSERT INTO kinds (id, k) VALUES (2, 'K')",
    "INSERT INTO settings (theme) VALUES ('dark')",
    "INSERT INTO tree (id, up) VALUES (1, 2), (2, 1), (3, NULL)",
    "INSERT INTO leaf (id, tree, loose) VALUES (1, 1, 99), (2, 3, NULL)",
    "INSERT INTO moods (id, note) VALUES ('north', 'n'), ('south', 's')",
)
CHANGES = (
    "UPDATE settings SET theme = 'light'",
    "UPDATE kinds SET rs = '{south}', xs = NULL WHERE id = 1",
    "UPDATE tree SET up = 3 WHERE id = 1",
    "DELETE FROM moods WHERE id = 'south'",
)
TABLES = ("pair", "kinds", "settings", "tree", "leaf", "moods")
LEVELS: list[tuple[Level, dict[str, Any]]] = [
    (Level.DEDICATED_SCHEMA, {}),
    (Level.DEDICATED_DATABASE, {"driver": "database"}),
    (Level.SHARED_SCHEMA, {"is_support": True}),
]


def url_of(session: Session) -> str:
    """The login's address where the tenant lives now."""
    from apps.dataplane import connecting

    found = connecting.of(session.customer.workspace.id, session.customer.id)
    url = f"postgresql://{found.host}:{found.port}/{found.database}"
    return login_url(url, session.role, session.made.password)


def rows(session: Session) -> dict[str, list[str]]:
    """Every row as its tenant sees it, as text."""
    with psycopg.connect(url_of(session), autocommit=True) as connection:
        return {
            table: [
                text
                for (text,) in connection.execute(
                    f"SELECT whole::text FROM {table} whole ORDER BY 1"
                )
            ]
            for table in TABLES
        }


def move(session: Session, target: Level, **more: Any) -> Any:
    with transaction.atomic():
        begun = start_move(
            workspace_id=session.customer.workspace.id,
            tenant_id=session.customer.id,
            target=target,
            **more,
        )
    return run_move(begun.id)


def session_of(account: Account) -> Session:
    """A shared tenant of the account, with a login."""
    return Session(cast.tenant(account, plan="enterprise"), os.environ["DATABASE_URL"])


def test_all_that_a_release_takes_moves_to_every_level_and_back(workspace: Account) -> None:
    release(workspace, TYPES)
    session = session_of(workspace)
    neighbour = session_of(workspace)
    for one in (session, neighbour):
        for statement in ROWS:
            one.run(statement)
    before, others = rows(session), rows(neighbour)

    def change(_: Any) -> None:
        for statement in CHANGES:
            session.run(statement)

    for number, (level, more) in enumerate(LEVELS):
        # The first move meets changes too: they are written when the copy is through.
        plan = {"catch_up": 1} if number == 0 else {}
        with Disturbance(plan, change).planted():
            done = move(session, level, **more)
        assert (done.status, done.error) == ("completed", "")
        if number == 0:
            changed, before = before, rows(session)
            assert [name for name in TABLES if changed[name] != before[name]] == [
                *("kinds", "settings", "tree", "moods")
            ]
        assert rows(session) == before
    assert rows(neighbour) == others


REFUSED = {
    "a deferrable key": (f"CREATE TABLE a ({HEAD}, {KEY} DEFERRABLE)", "deferrable_key"),
    "a deferrable unique constraint": (
        f"CREATE TABLE a ({HEAD}, u int, {KEY}, UNIQUE (tenant_id, u) DEFERRABLE)",
        "deferrable_key",
    ),
    "an inexact key": (
        "CREATE TABLE a (tenant_id uuid NOT NULL, id float8 NOT NULL, PRIMARY KEY (tenant_id, id))",
        "no_key",
    ),
    "a generated key": (
        f"CREATE TABLE a ({HEAD}, g int GENERATED ALWAYS AS (id) STORED NOT NULL,"
        " UNIQUE (tenant_id, g))",
        "no_key",
    ),
    "a place in the log": (f"CREATE TABLE a ({HEAD}, l pg_lsn, {KEY})", "unmovable_column"),
    "an array of object ids": (f"CREATE TABLE a ({HEAD}, l oid[], {KEY})", "unmovable_column"),
    "an exclusion": (
        f"CREATE TABLE a ({HEAD}, r int4range, {KEY}, EXCLUDE USING gist (r WITH &&))",
        "forbidden_statement",
    ),
    "an exclusion by another name": (
        f"CREATE TABLE a ({HEAD}, r int4range, {KEY}, UNIQUE (tenant_id, r WITHOUT OVERLAPS))",
        "forbidden_statement",
    ),
    "a deferrable circle": (
        f"CREATE TABLE a ({HEAD}, b int, {KEY}); CREATE TABLE b ({HEAD}, a int, {KEY},"
        " FOREIGN KEY (tenant_id, a) REFERENCES a (tenant_id, id) DEFERRABLE INITIALLY DEFERRED);"
        " ALTER TABLE a ADD FOREIGN KEY (tenant_id, b) REFERENCES b (tenant_id, id)"
        " DEFERRABLE INITIALLY DEFERRED",
        "foreign_key_circle",
    ),
    "a type of an extension": (f"CREATE TABLE a ({HEAD}, e citext, {KEY})", "refused_by_postgres"),
    "a domain": (
        f"CREATE TABLE a ({HEAD}, e information_schema.cardinal_number, {KEY})",
        "qualified_name",
    ),
}


@pytest.mark.parametrize(("sql", "code"), REFUSED.values(), ids=REFUSED)
def test_what_could_not_move_is_refused_at_its_release(
    workspace: Account, sql: str, code: str
) -> None:
    from apps.dataplane.errors import DdlRefused

    with pytest.raises(DdlRefused) as refused:
        release(workspace, sql)
    assert refused.value.details["errors"][0]["code"] == code
    assert refused.value.public.endswith(".")


@contextmanager
def planted(make: str, drop: str) -> Iterator[None]:
    """What a superuser put into the control plane's database, and into no other."""
    url = servers.current().postgres.superuser_url
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(make)
        try:
            yield
        finally:
            superuser.execute(drop)


ELSEWHERE = {
    "an index that needs an extension": (
        "CREATE EXTENSION btree_gin SCHEMA public",
        "DROP EXTENSION btree_gin CASCADE",
        f"CREATE TABLE a ({HEAD}, {KEY}); CREATE INDEX ON a USING gin (id)",
        "The target lacks the extension btree_gin.",
    ),
    "an array of an extension's type": (
        "CREATE EXTENSION citext SCHEMA pg_catalog",
        "DROP EXTENSION citext CASCADE",
        f"CREATE TABLE a ({HEAD}, e citext[], {KEY})",
        "The target lacks the extension citext.",
    ),
    "a domain that only one database has": (
        "CREATE DOMAIN pg_catalog.tenlyr_test_email AS text",
        "DROP DOMAIN pg_catalog.tenlyr_test_email CASCADE",
        f"CREATE TABLE a ({HEAD}, e tenlyr_test_email, {KEY})",
        'The target does not take the operator\'s tables: type "tenlyr_test_email" does not exist.',
    ),
}


@pytest.mark.parametrize(("make", "drop", "sql", "sentence"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_another_database_lacks_stops_the_move_at_its_start(
    workspace: Account, make: str, drop: str, sql: str, sentence: str
) -> None:
    with planted(make, drop):
        release(workspace, sql)
        session = session_of(workspace)
        session.run("INSERT INTO a (id) VALUES (1)")
        home = list(group([session.customer.id]))
        failed = move(session, Level.DEDICATED_DATABASE, driver="database")
        assert (failed.status, why_failed(failed)) == ("failed", sentence)
        # What a server said of it is not for the tenant's own key.
        assert "does not exist" not in failed.error
        assert failed.error.removesuffix(".") in sentence
        assert list(group([session.customer.id])) == home
        session.run("INSERT INTO a (id) VALUES (2)")
        # In the same database it moves.
        done = move(session, Level.DEDICATED_SCHEMA)
        assert (done.status, done.error) == ("completed", "")
        assert session.run("SELECT id FROM a ORDER BY id") == [(1,), (2,)]
