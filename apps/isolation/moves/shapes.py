"""What a table looks like on both sides: columns, key, partitions, foreign keys, sequences."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from apps.isolation.moves.links import Connection, one
from apps.isolation.moves.quoting import name
from apps.isolation.parts import NotMovable, Table

TENANT = "tenant_id"
SQL = Path(__file__).parent / "sql"
COLUMNS, UNIQUES, UNITS, REFERENCES = (
    (SQL / f"{file}.sql").read_text() for file in ("columns", "uniques", "units", "references")
)
# Hashed as they are; the others by their text, which also tells 1.0 from 1.00 and {"a":1} from {}.
HASHED_AS_THEY_ARE = {
    *("uuid", "smallint", "integer", "bigint", "boolean", "text", "date", "bytea"),
    *("double precision", "real", "character varying"),
    *("timestamp with time zone", "timestamp without time zone", "time without time zone"),
}
# Values that name a row of one database's catalogue mean nothing in another.
BOUND_TO_DATABASE = {"oid", "xid", "xid8", "cid", "tid", "pg_lsn", "pg_snapshot"}
INEXACT = {"double precision", "real"}


@dataclass(frozen=True, slots=True)
class Column:
    """`type` as it is written on its own side, with its schema where it is not built in."""

    name: str
    type: str
    plain_type: str
    is_generated: bool
    is_builtin: bool
    is_enum: bool
    has_scale: bool

    @property
    def hashed(self) -> str:
        """The column in a digest, of the relation `t`."""
        is_numeric = self.plain_type.startswith("numeric") and self.has_scale
        if self.is_builtin and (self.plain_type.split("(")[0] in HASHED_AS_THEY_ARE or is_numeric):
            return f"t.{name(self.name)}"
        return f"t.{name(self.name)}::text"


@dataclass(frozen=True, slots=True)
class Unit:
    """A partition, or a whole table: what one cursor of the copy walks through."""

    name: str
    condition: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One table on both sides. `units` are its partitions at the source, or itself."""

    table: Table
    source_columns: tuple[Column, ...]
    target_columns: tuple[Column, ...]
    key: tuple[str, ...]
    units: tuple[Unit, ...]
    has_more_uniques: bool
    is_chunkable: bool

    @property
    def label(self) -> str:
        """What the table is called in the bookkeeping, where source schemas differ in name."""
        return f"{self.table.schema}.{self.table.name}"

    @property
    def tag(self) -> str:
        """A short name for objects made for this table."""
        return hashlib.sha256(self.label.encode()).hexdigest()[:8]

    @property
    def source(self) -> str:
        return name(self.table.schema, self.table.name)

    @property
    def target(self) -> str:
        return name(self.table.target_schema, self.table.name)

    @property
    def contents(self) -> tuple[object, ...]:
        """What must not change during a move. Partitions may come, foreign keys go and return."""
        return (self.table, self.source_columns, self.target_columns, self.key)

    @property
    def copied(self) -> tuple[str, ...]:
        """The columns that hold data of their own."""
        return tuple(one.name for one in self.source_columns if not one.is_generated)

    @property
    def copy_format(self) -> str:
        """Binary, unless a value would carry the number of a type that only its database knows."""
        is_safe = all(one.is_builtin or one.is_enum for one in self.source_columns)
        return "FORMAT binary" if is_safe else "FORMAT text"

    @property
    def hashed(self) -> str:
        """All columns as one record; the source's order on both sides."""
        by_name = {one.name: one for one in self.source_columns}
        return f"ROW({', '.join(by_name[key].hashed for key in by_name)})"

    def key_types(self, *, at_target: bool) -> tuple[str, ...]:
        """The types of the key's columns, in the key's order."""
        side = self.target_columns if at_target else self.source_columns
        types = {one.name: one.type for one in side}
        return tuple(types[column] for column in self.key)


def read(source: Connection, target: Connection, tables: Iterable[Table]) -> list[Shape]:
    """The shapes, those referred to first. Raises `NotMovable` with one sentence."""
    shapes = [_read(source, target, table) for table in tables]
    return _in_order(target, shapes)


def _read(source: Connection, target: Connection, table: Table) -> Shape:
    here = _columns(source, table.schema, table.name)
    there = _columns(target, table.target_schema, table.name)
    _compare(table.name, here, there)
    # One row a tenant: then there is nothing but the tenant to tell it by.
    key = tuple(column for column in table.key if column != TENANT) or (TENANT,)
    _check(table.name, here, key)
    uniques = _uniques(target, table)
    wanted = {frozenset(key), frozenset((TENANT, *key))}
    matching = [
        columns for columns, _, is_plain in uniques if is_plain and frozenset(columns) in wanted
    ]
    if not matching:
        raise NotMovable(f"Table {table.name} has no unique key that a move can go by.")
    if any(is_deferrable for _, is_deferrable, _ in uniques):
        raise NotMovable(f"Table {table.name} has a deferrable unique constraint.")
    units = source.execute(UNITS, {"table": name(table.schema, table.name)}).fetchall()
    refers_to_itself = (table.name, table.name) in _references(target, [table])
    return Shape(
        table=table,
        source_columns=here,
        target_columns=there,
        key=key,
        units=tuple(Unit(f"{table.schema}.{leaf}", condition) for leaf, condition in units),
        has_more_uniques=len(uniques) > 1,
        is_chunkable=not refers_to_itself,
    )


def _columns(connection: Connection, schema: str, table: str) -> tuple[Column, ...]:
    rows = connection.execute(COLUMNS, {"table": name(schema, table)}).fetchall()
    if not rows:
        raise NotMovable(f"Table {table} is not there on both sides.")
    return tuple(Column(*row) for row in rows)


def _compare(table: str, here: tuple[Column, ...], there: tuple[Column, ...]) -> None:
    """Both sides have the same columns, whatever their order."""
    side_by_side = [
        sorted((one.name, one.plain_type, one.is_generated) for one in side)
        for side in (here, there)
    ]
    if side_by_side[0] != side_by_side[1]:
        raise NotMovable(f"Table {table} has other columns at the target than at the source.")


def _check(table: str, here: tuple[Column, ...], key: tuple[str, ...]) -> None:
    for column in here:
        is_bound = column.plain_type in BOUND_TO_DATABASE or column.plain_type.startswith("reg")
        if is_bound and column.is_builtin:
            raise NotMovable(
                f"Column {column.name} of table {table} has the type {column.plain_type},"
                " whose values mean nothing in another database."
            )
        if column.name in key and column.plain_type in INEXACT:
            raise NotMovable(f"The key of table {table} has the inexact column {column.name}.")
        if column.name in key and column.is_generated:
            raise NotMovable(f"The key of table {table} has the generated column {column.name}.")


def _uniques(target: Connection, table: Table) -> list[tuple[tuple[str, ...], bool, bool]]:
    rows = target.execute(UNIQUES, {"table": name(table.target_schema, table.name)})
    return [(tuple(columns), is_deferrable, is_plain) for columns, is_deferrable, is_plain in rows]


def _references(target: Connection, tables: Iterable[Table]) -> set[tuple[str, str]]:
    """Pairs (table, table it refers to) among the given ones, at the target."""
    names = [name(table.target_schema, table.name) for table in tables]
    return {tuple(row) for row in target.execute(REFERENCES, {"tables": names})}


def _in_order(target: Connection, shapes: list[Shape]) -> list[Shape]:
    """Those that are referred to before those that refer."""
    by_name = {(shape.table.target_schema, shape.table.name): shape for shape in shapes}
    sorter: TopologicalSorter[tuple[str, str]] = TopologicalSorter(dict.fromkeys(by_name, ()))
    for schema in {schema for schema, _ in by_name}:
        tables = [shape.table for key, shape in by_name.items() if key[0] == schema]
        for table, referred in _references(target, tables):
            if table != referred:
                sorter.add((schema, table), (schema, referred))
    try:
        return [by_name[key] for key in sorter.static_order()]
    except CycleError:
        raise NotMovable("Tables refer to each other in a circle.") from None


def stage(move_hex: str, shape: Shape) -> str:
    """Where a chunk lands by COPY, which row level security forbids on the table itself."""
    return name("tenlyr_moves", f"stage_{move_hex}_{shape.tag}")


def keys(move_hex: str, shape: Shape) -> str:
    """Which rows a round of replay is about."""
    return name("tenlyr_moves", f"keys_{move_hex}_{shape.tag}")


def count(connection: Connection, relation: str, tenant: str) -> int:
    """How many rows the tenant has in a relation."""
    found = one(connection, f"SELECT count(*) FROM {relation} WHERE {name(TENANT)} = {tenant}")
    return int(found[0])
