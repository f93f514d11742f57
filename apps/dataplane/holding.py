"""A tenant's rows in the operator's tables, to take away and to purge (R17, A14, B12)."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from psycopg import sql

from apps.dataplane import logins, places, selectors
from apps.dataplane.inspecting import Found
from apps.dataplane.places import Home
from tenlyr.core.registry import Holding, Row

ROWS_AT_A_TIME = 1_000
DELETED_AT_A_TIME = 10_000
# What a double keeps exactly; longer numbers leave as text.
EXACT_DIGITS = 15


def export(tenant_id: UUID) -> Iterator[Row]:
    """Every row of the tenant with the name of its table; columns are named as the operator did."""
    home = places.home_of(tenant_id)
    if home is None:
        return
    for table in selectors.tables(home.workspace_id, places.version_at(home)):
        for row in _rows(home, table, tenant_id):
            yield {"table": table.name, "row": row}


def purge(tenant_id: UUID) -> int:
    """End the tenant's logins and delete its rows, its schema too where that was its own."""
    gone = logins.end_all(tenant_id)
    home = places.home_of(tenant_id)
    if home is None:
        return gone
    gone += delete_all(home, tenant_id)
    if home.is_own:
        places.tear_down(home)
    return gone


def delete_all(home: Home, tenant_id: UUID) -> int:
    """Delete the tenant's rows of every table, those that refer before those referred to."""
    tables = reversed(selectors.tables(home.workspace_id, places.version_at(home)))
    return sum(_delete(home, table, tenant_id) for table in tables)


def _delete(home: Home, table: Found, tenant_id: UUID) -> int:
    """Delete the tenant's rows of one table, a bounded number in each transaction."""
    statement = sql.SQL(
        "DELETE FROM {table} WHERE tenant_id = %(tenant)s AND ctid = ANY(ARRAY("
        "SELECT ctid FROM {table} WHERE tenant_id = %(tenant)s LIMIT %(most)s))"
    ).format(table=sql.Identifier(home.schema, table.name))
    gone = 0
    while True:
        with transaction.atomic(using=home.fleet), connections[home.fleet].cursor() as cursor:
            cursor.execute(statement, {"tenant": tenant_id, "most": DELETED_AT_A_TIME})
            gone += cursor.rowcount
            if cursor.rowcount < DELETED_AT_A_TIME:
                return gone


def _rows(home: Home, table: Found, tenant_id: UUID) -> Iterator[Row]:
    """In the order of the key, a page at a time: no transaction stays open while a client reads."""
    key = sql.SQL(", ").join(sql.Identifier(name) for name in table.key)
    start = sql.SQL(
        "SELECT to_jsonb(t)::text, jsonb_build_array({key})::text FROM {table} t"
    ).format(key=key, table=sql.Identifier(home.schema, table.name))
    # The last page's key comes back as a row of the table's own types.
    after = sql.SQL(
        " AND ({key}) > (SELECT {key} FROM jsonb_populate_record(NULL::{table}, %(last)s::jsonb))"
    ).format(key=key, table=sql.Identifier(home.schema, table.name))
    last: str | None = None
    while True:
        query = start + sql.SQL(" WHERE tenant_id = %(tenant)s")
        query += after if last else sql.SQL("")
        query += sql.SQL(" ORDER BY {key} LIMIT %(most)s").format(key=key)
        params = {"tenant": tenant_id, "last": last, "most": ROWS_AT_A_TIME}
        with transaction.atomic(using=home.fleet), connections[home.fleet].cursor() as cursor:
            cursor.execute(query, params)
            found = cursor.fetchall()
        for text, _ in found:
            yield _read(text)
        if len(found) < ROWS_AT_A_TIME:
            return
        last = found[-1][0]


def _read(text: str) -> Any:
    return json.loads(text, parse_float=_number, parse_int=_number)


def _number(text: str) -> Any:
    digits = sum(character.isdigit() for character in text)
    if digits > EXACT_DIGITS:
        return text
    return float(text) if {".", "e", "E"} & set(text) else int(text)


HOLDING = Holding("dataplane", ("dataplane_login",), export, purge)
