"""Decoy rows: for any table, from its catalogue alone, a row of each decoy tenant."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql

from tenlyr.core import clock

SQL = Path(__file__).parent / "sql"
TABLES = (SQL / "tables.sql").read_text()
COLUMNS = (SQL / "columns.sql").read_text()
LITERAL = re.compile(r"'([^']+)'")
NUMBER = re.compile(r"(?<![\w'.])-?\d+(?:\.\d+)?")
OF_TYPE = {"json": "{}", "jsonb": "{}", "bytea": "\\x00", "time": "12:00", "timetz": "12:00+00"}
# How many combinations of values are tried against a table's checks.
TRIES = 12


@dataclass(frozen=True, slots=True)
class Table:
    """A table with rows of tenants; `refers_to` are the tables that its foreign keys name.

    One that has no partition yet can hold no row.
    """

    schema: str
    name: str
    refers_to: tuple[str, ...] = ()
    regclass: str = ""
    can_hold_rows: bool = True

    @property
    def quoted(self) -> str:
        return sql.Identifier(self.schema, self.name).as_string()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a row must give a value to, and the values worth trying."""

    name: str
    type: str
    values: tuple[str, ...]
    parent: str | None
    is_given: bool


@dataclass(slots=True)
class Planted:
    """The rows that are really there: what was given and what is stored, by tenant.

    `partition` is the table in which they lie; `refused` says why there are none.
    """

    table: Table
    given: dict[UUID, dict[str, str]] = field(default_factory=dict)
    stored: dict[UUID, dict[str, str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    partition: str = ""
    refused: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the rows lie in the table itself, not in a partition."""
        return self.partition.replace('"', "") == str(self.table)


def marker(tenant_id: UUID) -> str:
    """The text in a decoy's rows, by which a view that shows them is found out."""
    return f"decoy{tenant_id.hex[-12:]}"


def tables(cursor: Any, schemas: Iterable[str]) -> list[Table]:
    """The tables of tenants in some schemas, those that are referred to first."""
    cursor.execute(TABLES, {"schemas": list(schemas)})
    left = [Table(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in cursor.fetchall()]
    found: list[Table] = []
    while left:
        here = {one.regclass for one in left}
        # What refers in a circle comes as it is: its rows may prove impossible to plant.
        ready = [one for one in left if not here & set(one.refers_to)] or left[:1]
        found += ready
        left = [one for one in left if one not in ready]
    return found


def columns(cursor: Any, table: Table, tenant_id: UUID) -> list[Column]:
    """What a row of `tenant_id` must say in `table`."""
    cursor.execute(COLUMNS, {"table": table.quoted})
    return [_column(row, tenant_id) for row in cursor.fetchall()]


def candidates(wanted: list[Column]) -> Iterator[dict[str, str]]:
    """Rows to try one after the other: the first value of each column, then other mixes."""
    seen = set()
    for number in range(TRIES):
        row = {one.name: one.values[number % len(one.values)] for one in wanted if one.is_given}
        mark = tuple(row.values())
        if mark not in seen:
            seen.add(mark)
            yield row


def insert(table: str, row: dict[str, str], types: dict[str, str]) -> tuple[str, list[str]]:
    """The statement that inserts a row of texts into a quoted table, and its parameters."""
    names = ", ".join(sql.Identifier(name).as_string() for name in row)
    values = ", ".join(f"%s::{types[name]}" for name in row)
    into = f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE"
    return f"{into} VALUES ({values})", list(row.values())


def _column(row: Any, tenant_id: UUID) -> Column:
    name, type_name, category, base, longest, label, checks, default, parent, bounds = row
    if name == "tenant_id":
        return Column(name, type_name, (str(tenant_id),), None, True)
    # A sequence is not asked: its next number would be missing in somebody's rows.
    is_given = not default or "nextval(" in default
    value = label or _value(category, base, longest, tenant_id)
    # A row must fall into a partition: where none is for this value, one's own bound fits it.
    more = [bound for bound in bounds if bound][:2]
    values = tuple(dict.fromkeys([*(_allowed(category, checks) or [value]), *more]))
    return Column(name, type_name, values, parent, is_given)


def _value(category: str, base: str, longest: int | None, tenant_id: UUID) -> str:
    """A value that the type takes."""
    if base == "uuid":
        return str(uuid4())
    if base in OF_TYPE:
        return OF_TYPE[base]
    if category == "D":
        return clock.now().isoformat()
    text = marker(tenant_id)[: longest or 64]
    plain = {"N": "1", "B": "false", "T": "1 second", "A": "{}", "I": "127.0.0.1", "R": "empty"}
    return {**plain, "V": "0" * (longest or 1), "G": "(0,0)"}.get(category, text)


def _allowed(category: str, checks: list[str]) -> list[str]:
    """What the checks of a column seem to allow: their literals, and the numbers beside them."""
    if category == "S":
        return [found for check in checks for found in LITERAL.findall(check)]
    if category != "N":
        return []
    numbers = [Decimal(found) for check in checks for found in NUMBER.findall(check)]
    return [str(number + step) for step in (0, 1, -1) for number in numbers]
