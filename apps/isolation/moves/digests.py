"""Digests of rows that do not depend on their order: a count and two sums of two hashes."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.isolation.moves.links import Connection, one, run
from apps.isolation.moves.quoting import name
from apps.isolation.moves.shapes import TENANT, Shape

# Two seeds: a pair of differences that cancels out under one does not under the other.
SEEDS = (20_261_121, 7_362_003)


@dataclass(frozen=True, slots=True)
class Digest:
    """Equal digests mean equal sets of rows."""

    rows: int
    sums: tuple[Decimal, Decimal]

    @property
    def text(self) -> str:
        """As it stands on the move's record."""
        return f"{self.rows}:{self.sums[0]}:{self.sums[1]}"


def of(connection: Connection, shape: Shape, rows: str) -> Digest:
    """The digest of `rows`: a FROM clause with its conditions, in which the table is `t`."""
    return _digest(connection, _query(shape.hashed, rows))


def of_tenant(connection: Connection, relation: str, row: str, tenant: str) -> Digest:
    """The digest of all rows that a tenant has in a relation; `row` makes the record of one."""
    return _digest(connection, _query(row, f"{relation} AS t WHERE t.{name(TENANT)} = {tenant}"))


def _digest(connection: Connection, query: str) -> Digest:
    count, *sums = one(connection, query)
    return Digest(count, (sums[0], sums[1]))


def of_all(connection: Connection, wanted: Iterable[tuple[Shape, str]]) -> list[Digest]:
    """Several digests with one question."""
    queries = [
        f"SELECT {place}, q.* FROM ({_query(shape.hashed, rows)}) AS q"
        for place, (shape, rows) in enumerate(wanted)
    ]
    rows = run(connection, f"{' UNION ALL '.join(queries)} ORDER BY 1").fetchall()
    return [Digest(count, (first, second)) for _, count, first, second in rows]


def _query(row: str, rows: str) -> str:
    hashes = ", ".join(f"coalesce(sum(hash_record_extended({row}, {seed})), 0)" for seed in SEEDS)
    return f"SELECT count(*), {hashes} FROM {rows}"
