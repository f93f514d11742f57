"""The port to what is attacked beside Tenlyr's own tables: further schemas, and ways in.

An app below registers nothing (it may not know of us): its target stands here, in `ready`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from apps.isolation.public import Location


@dataclass(frozen=True, slots=True)
class Try:
    """One more statement that must come to nothing; `%(other)s` in it is the other tenant."""

    act: str
    statement: str


@dataclass(frozen=True, slots=True)
class WayIn:
    """A login of a decoy tenant's own. `open` gives a cursor in a transaction that is undone."""

    name: str
    tenant_id: UUID
    role: str
    open: Callable[[], AbstractContextManager[Any]]
    tries: tuple[Try, ...] = ()


class Target(Protocol):
    """What one app adds to the attack on a Location."""

    name: str

    def schemas(self, location: Location, workspace_id: UUID) -> list[str]:
        """Schemas beside the Location's own in which a workspace's tenants have rows."""
        ...

    def roles(self, tenants: Sequence[UUID]) -> list[str]:
        """The names of the logins that `prepare` will make, from the tenants alone."""
        ...

    def prepare(
        self, location: Location, workspace_id: UUID, tenants: Sequence[UUID]
    ) -> list[WayIn]:
        """Let the decoy tenants live here, and give each its login; committed."""
        ...

    def clear(self, alias: str, tenants: Sequence[UUID]) -> None:
        """Undo `prepare`, also after a crash in its midst; idempotent."""
        ...


_targets: dict[str, Target] = {}


def register(target: Target) -> None:
    """Add a target; the same name replaces."""
    _targets[target.name] = target


def unregister(name: str) -> None:
    """Take a target away: for tests that bring their own."""
    _targets.pop(name, None)


def targets() -> tuple[Target, ...]:
    """All targets, in the order of their registration."""
    return tuple(_targets.values())
