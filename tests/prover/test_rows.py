"""Decoy rows for tables of every kind, from the catalogue alone."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from apps.isolation.public import Location
from apps.prover import decoys, rows
from tenlyr.core import ids
from tests.isolation import probe

ME, OTHER = ids.uuid7(), ids.uuid7()
TABLES = """
CREATE SCHEMA hunt;
CREATE TYPE hunt.mood AS ENUM ('glad', 'sad');
CREATE DOMAIN hunt.cents AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN hunt.label AS text NOT NULL CHECK (VALUE IN ('red', 'blue'));
CREATE TABLE hunt.customer (
    tenant_id uuid NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, name varchar(3) NOT NULL,
    made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id));
CREATE TABLE hunt.account (
    tenant_id uuid NOT NULL, number serial, customer bigint NOT NULL,
    mood hunt.mood NOT NULL, balance hunt.cents NOT NULL, colour hunt.label,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    rate numeric(4, 2) NOT NULL CHECK (rate > 2.5), tags text[] NOT NULL, data jsonb NOT NULL,
    raw bytea NOT NULL, day date NOT NULL, hour time NOT NULL, lasts interval NOT NULL,
    span tstzrange NOT NULL, host inet NOT NULL, bits bit(3) NOT NULL, spot point NOT NULL,
    is_new boolean NOT NULL, key uuid NOT NULL,
    doubled bigint GENERATED ALWAYS AS (number * 2) STORED,
    note text, PRIMARY KEY (tenant_id, number),
    FOREIGN KEY (tenant_id, customer) REFERENCES hunt.customer (tenant_id, id));
CREATE TABLE hunt.entry (
    tenant_id uuid NOT NULL, id uuid NOT NULL, day date NOT NULL,
    PRIMARY KEY (tenant_id, id, day)) PARTITION BY RANGE (day);
CREATE TABLE hunt.entry_old PARTITION OF hunt.entry
    FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
CREATE TABLE hunt.unborn (tenant_id uuid NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE hunt.riddle (
    tenant_id uuid NOT NULL, answer text NOT NULL CHECK (md5(answer) = 'never'));
CREATE TABLE hunt.nobodys (id int);
"""


@pytest.fixture
def cursor() -> Iterator[Any]:
    """The tables, until the end of the test."""
    with probe.superuser() as direct:
        direct.execute(TABLES)
        yield direct


def plant(cursor: Any) -> dict[str, rows.Planted]:
    found: dict[str, rows.Planted] = {}
    for table in rows.tables(cursor, ["hunt"]):
        found[table.regclass] = decoys._plant_in(cursor, table, (ME, OTHER), found)
    return {one.table.name: one for one in found.values()}


def test_tables_of_tenants_come_before_those_that_refer_to_them(cursor: Any) -> None:
    names = [table.name for table in rows.tables(cursor, ["hunt"])]
    assert set(names) == {"customer", "account", "entry", "unborn", "riddle"}
    assert names.index("customer") < names.index("account")


def test_a_row_of_each_decoy_is_really_there(cursor: Any) -> None:
    planted = plant(cursor)
    for name in ("customer", "account", "entry"):
        assert planted[name].refused == ""
        cursor.execute(f"SELECT tenant_id FROM hunt.{name} ORDER BY tenant_id")
        assert [row[0] for row in cursor.fetchall()] == sorted([ME, OTHER])


def test_a_row_refers_to_its_own_tenants(cursor: Any) -> None:
    plant(cursor)
    cursor.execute(
        "SELECT count(*) FROM hunt.account a JOIN hunt.customer c"
        " ON (c.tenant_id, c.id) = (a.tenant_id, a.customer)"
    )
    assert cursor.fetchone() == (2,)


def test_no_sequence_is_asked(cursor: Any) -> None:
    plant(cursor)
    for sequence in ("hunt.customer_id_seq", "hunt.account_number_seq"):
        cursor.execute(f"SELECT is_called FROM {sequence}")
        assert cursor.fetchone() == (False,)


def test_the_partition_is_known_by_its_name(cursor: Any) -> None:
    planted = plant(cursor)
    assert (planted["entry"].partition, planted["entry"].is_whole) == ("hunt.entry_old", False)
    assert planted["customer"].is_whole


def test_a_table_without_a_partition_holds_no_row(cursor: Any) -> None:
    assert plant(cursor)["unborn"].refused == decoys.NO_PARTITION


def test_what_cannot_be_planted_says_why(cursor: Any) -> None:
    planted = plant(cursor)["riddle"]
    assert planted.refused.startswith("23514: ")
    assert planted.given == {}


def test_a_mark_tells_whose_row_it_is() -> None:
    assert rows.marker(ME) != rows.marker(OTHER)
    assert len({rows.marker(ids.uuid7()) for _ in range(100)}) == 100


def test_a_scene_names_only_what_can_be_attacked(cursor: Any) -> None:
    location = Location(1, "default", "hunt")
    scene = decoys.Scene(location, ME, OTHER, list(plant(cursor).values()))
    assert {prey.table for _, prey in scene.prey()} == {
        '"hunt"."customer"',
        '"hunt"."account"',
        '"hunt"."entry"',
    }
    entry = next(prey for _, prey in scene.prey() if "entry" in prey.table)
    assert (UUID(entry.me), UUID(entry.other)) == (ME, OTHER)
    assert entry.row["tenant_id"] == str(OTHER)
    assert entry.partition == "hunt.entry_old"
