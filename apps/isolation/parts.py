"""The port between the move engine and the apps above it: what a tenant has that must move with it.

An app whose tables hold tenants' rows registers one `Part` from its `ready`. The engine copies
rows, captures changes and compares both sides; a part knows its tables and how to keep writers out.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from apps.isolation.placements import Location


class MoveBusy(Exception):
    """A lock of the tenant was not had in time: the engine lets go, waits, and tries again."""


class NotMovable(Exception):
    """Something of the tenant cannot move; the message is one public sentence that says what.

    `internal` is for operators only: what a server said.
    """

    def __init__(self, sentence: str, internal: str = "") -> None:
        super().__init__(sentence)
        self.internal = internal


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one tenant to move. Both sides have the same name and the same columns.

    `key` is the columns of a unique key without nulls; `tenant_id` may be among them. A partitioned
    table is named by its root: its partitions must be there at the target after `prepare`.
    `version` is that of its definition, where that changes while the product runs.
    """

    schema: str
    name: str
    target_schema: str
    key: tuple[str, ...]
    version: int = 0


class Part(Protocol):
    """What one app moves. All but `hold` are repeated after a crash and must not mind."""

    name: str

    def tables(self, tenant_id: UUID, source: Location, target: Location) -> list[Table]:
        """The tables, those that are referred to before those that refer; raises `NotMovable`.

        What the source really holds: within the hold, nobody makes or changes one meanwhile.
        """
        ...

    def prepare(self, tenant_id: UUID, source: Location, target: Location) -> None:
        """Make the tables, empty of this tenant, at the target."""
        ...

    def hold(self, tenant_id: UUID) -> AbstractContextManager[None]:
        """While it is open, nobody writes this tenant's rows of this part.

        Raises `MoveBusy` when that is not had within 250 ms. The engine reads and writes rows
        inside it on connections of its own, so it must not lock the tables themselves.
        """
        ...

    def arrive(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """Inside the hold, rows equal, before the flip: sequences, logins, marks at the target."""
        ...

    def leave(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """After the flip committed: refuse whoever still comes to the old place."""
        ...

    def drop(self, tenant_id: UUID, location: Location) -> int:
        """Remove the tenant's rows or tables from a Location where it does not live: how many
        rows.
        """
        ...


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Name a part, from an app's `ready`; the same name replaces."""
    _parts[part.name] = part


def unregister(name: str) -> None:
    """Take a part away: for tests that bring their own."""
    _parts.pop(name, None)


def parts() -> tuple[Part, ...]:
    """All parts in the order they were registered: holds are opened in it, closed backwards."""
    return tuple(_parts.values())
