"""What a schema of operator's tables really holds, read from the catalogue, and what is wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

SQL = (Path(__file__).parent / "sql" / "inspect.sql").read_text()
MOST_TABLES = 200
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a table cannot be an operator's table here."""

    table: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Found:
    """One table: its key finds a row of a tenant again; `references` are tables it points to."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Row, ...]
    references: tuple[str, ...]

    def shown(self) -> Row:
        """As a release remembers it, in the wire's casing."""
        return {
            "name": self.name,
            "key": list(self.key),
            "columns": list(self.columns),
            "references": list(self.references),
        }


def inspect(cursor: Any, schema: str) -> tuple[list[Found], list[Wrong]]:
    """The tables, those referred to before those that refer; and what is wrong with any."""
    cursor.execute(SQL, {"schema": f'"{schema}"'})
    names = [column[0] for column in cursor.description]
    rows = [_row(names, values) for values in cursor.fetchall()]
    wrong = [one for row in rows for one in _faults(row)]
    if len(rows) > MOST_TABLES:
        wrong.append(Wrong("", "too_many_tables", f"At most {MOST_TABLES} tables."))
    if wrong:
        return [], wrong
    return _ordered([_found(row) for row in rows])


def read_back(tables: list[Row]) -> list[Found]:
    """The tables as a release remembers them."""
    return [
        Found(one["name"], tuple(one["key"]), tuple(one["columns"]), tuple(one["references"]))
        for one in tables
    ]


def _row(names: list[str], values: tuple[Any, ...]) -> Row:
    parse = {"columns", "unmovable", "uniques", "foreign_keys"}
    return {
        name: json.loads(value) if name in parse and isinstance(value, str) else value
        for name, value in zip(names, values, strict=True)
    }


def _found(row: Row) -> Found:
    keys = [one["columns"] for one in row["uniques"] if one["isKey"]]
    targets = {one["table"] for one in row["foreign_keys"]} - {row["name"]}
    return Found(row["name"], tuple(keys[0]), tuple(row["columns"]), tuple(sorted(targets)))


def _faults(row: Row) -> Iterator[Wrong]:
    name = row["name"]
    if row["kind"] != "r" or row["persistence"] != "p":
        yield Wrong(name, "forbidden_statement", f"{name} is no plain table.")
        return
    if row["tenant"] != "uuid not null":
        sentence = f"The table {name} needs a column tenant_id uuid NOT NULL."
        yield Wrong(name, "missing_tenant_id", sentence)
        return
    yield from _key_faults(name, row["uniques"])
    for column in row["unmovable"]:
        sentence = f"The column {name}.{column} holds what means nothing in another database."
        yield Wrong(name, "unmovable_column", sentence)
    for key in row["foreign_keys"]:
        if not key["hasTenant"]:
            sentence = (
                f"The foreign key {key['name']} of {name} must pair tenant_id with tenant_id:"
                f" FOREIGN KEY (tenant_id, …) REFERENCES {key['table']} (tenant_id, …)."
            )
            yield Wrong(name, "foreign_key_without_tenant", sentence)
        elif key["touchesTenant"]:
            sentence = (
                f"The foreign key {key['name']} of {name} would unset tenant_id: name the columns,"
                " ON DELETE SET NULL (column)."
            )
            yield Wrong(name, "foreign_key_unsets_tenant", sentence)


def _key_faults(name: str, uniques: list[Row]) -> Iterator[Wrong]:
    for one in uniques:
        if not one["hasTenant"]:
            sentence = (
                f"The unique index {one['name']} of {name} must contain tenant_id: without it one"
                " tenant learns what another has."
            )
            yield Wrong(name, "key_without_tenant", sentence)
        elif one["isDeferrable"]:
            sentence = (
                f"The unique constraint {one['name']} of {name} must not be DEFERRABLE: a move"
                " brings row after row."
            )
            yield Wrong(name, "deferrable_key", sentence)
    if not any(one["isKey"] for one in uniques):
        sentence = (
            f"The table {name} needs a key: PRIMARY KEY (tenant_id, …), or a UNIQUE constraint with"
            " tenant_id over columns that are NOT NULL, and neither generated nor of type real or"
            " double precision."
        )
        yield Wrong(name, "no_key", sentence)


def _ordered(tables: list[Found]) -> tuple[list[Found], list[Wrong]]:
    by_name = {table.name: table for table in tables}
    graph = {table.name: table.references for table in tables}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()], []
    except CycleError as error:
        cycle = [str(name) for name in error.args[1]]
        sentence = f"Foreign keys form a circle: {' → '.join(cycle)}."
        return [], [Wrong(cycle[0], "foreign_key_circle", sentence)]
