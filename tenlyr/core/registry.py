"""One registry of everything that holds a tenant's data: purge and export walk it (R17, A14, B12).

A tenant-owned table without an entry fails a test, so that no new table can escape either.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holding:
    """A place that holds a tenant's data.

    `tables` are the database tables it speaks for. `export` yields rows in wire casing, or is None
    where there is nothing a tenant would want; `purge` removes all and answers how many rows went.
    """

    name: str
    tables: tuple[str, ...]
    export: Callable[[UUID], Iterator[Row]] | None
    purge: Callable[[UUID], int]


_holdings: dict[str, Holding] = {}


def register(holding: Holding) -> None:
    """Add a holding, once, from an app's `ready`."""
    _holdings[holding.name] = holding


def holdings() -> tuple[Holding, ...]:
    """All holdings, in the order in which they were registered."""
    return tuple(_holdings.values())
