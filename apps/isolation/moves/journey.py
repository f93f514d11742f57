"""What the steps of one run share: the move's row, both places, the connections, the tables."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.isolation import models, parts, placements
from apps.isolation.levels import Level
from apps.isolation.moves import quoting, shapes
from apps.isolation.moves.errors import MoveFailed, Paused, Superseded
from apps.isolation.moves.links import Links, Liveness
from apps.isolation.moves.shapes import Shape
from apps.isolation.parts import Table
from apps.isolation.placements import Location

Move = models.Move
CHANGED = "The tenant's tables were changed during the migration."


@dataclass(slots=True)
class Journey:
    """One run of one move. `epoch` is the placement's before the flip."""

    move: models.Move
    source: Location
    target: Location | None
    epoch: int
    links: Links
    liveness: Liveness
    deadline: float = float("inf")
    on_progress: Callable[[models.Move], None] = lambda move: None
    _shapes: list[Shape] | None = field(default=None)
    _parts: frozenset[str] | None = field(default=None)

    @property
    def tenant_id(self) -> UUID:
        return self.move.tenant_id

    @property
    def tenant(self) -> str:
        """The tenant's id as a literal."""
        return quoting.value(str(self.move.tenant_id)) + "::uuid"

    @property
    def hex(self) -> str:
        """The move's id in the names of what it makes."""
        return self.move.id.hex

    @property
    def runner(self) -> int:
        """The number of this run: a later one has a higher, and only the highest may write."""
        return int(self.move.detail["runner"])

    @property
    def is_shared_target(self) -> bool:
        """Whether others live at the target: then its tables cannot be changed for the copy."""
        return Level(self.move.to_level) is Level.SHARED_SCHEMA

    @property
    def arrival(self) -> Location:
        """The target, which every step after `place` has."""
        if self.target is None:
            raise RuntimeError("the move has no target yet")
        return self.target

    @property
    def shapes(self) -> list[Shape]:
        """The tables that move, those referred to first; read once a run."""
        if self._shapes is None:
            self._shapes = self.read_shapes()
        return self._shapes

    def tables(self) -> list[Table]:
        """The tables as the parts name them now."""
        return [
            table
            for part in parts.parts()
            if self._parts is None or part.name in self._parts
            for table in part.tables(self.tenant_id, self.source, self.arrival)
        ]

    def read_shapes(self) -> list[Shape]:
        """The tables as both catalogues have them now."""
        return shapes.read(self.links.source_owner, self.links.target_owner, self.tables())

    def pin_tables(self) -> None:
        """Keep on the record which tables move, in which versions: none that comes later does."""
        self.note(tables=_digest(self.tables()))

    def check_tables(self) -> None:
        """Raises `MoveFailed` where they are others now."""
        now = _digest(self.tables())
        if self.move.detail.get("tables", now) != now:
            raise MoveFailed(CHANGED)

    @contextmanager
    def of_parts(self, names: frozenset[str]) -> Iterator[None]:
        """Inside, the tables are those of these parts only: the rows of others come otherwise."""
        before, self._parts, self._shapes = self._parts, names, None
        try:
            yield
        finally:
            self._parts, self._shapes = before, None

    def prepare_parts(self) -> None:
        """Let every part make what the target lacks, now and whenever the source got more."""
        for part in parts.parts():
            part.prepare(self.tenant_id, self.source, self.arrival)
        self._shapes = None

    def aim(self, row: models.Location) -> None:
        """Keep the target on the record; part of the transaction that took it."""
        self.note(target=row)
        self.target = placements.location_of(row)
        self.links.aim(self.target)

    def breathe(self) -> None:
        """Between two pieces of work: still ours to do, and time left for it?"""
        self.liveness.check()
        if time.monotonic() > self.deadline:
            raise Paused

    def note(self, **changes: Any) -> None:
        """Write fields of the row and keys of its `detail`, unless a later run took over."""
        fields = {name: changes.pop(name) for name in list(changes) if hasattr(self.move, name)}
        detail = {**self.move.detail, **changes}
        mine = Move.objects.filter(
            pk=self.move.pk, status=Move.Status.IN_PROGRESS, detail__runner=self.runner
        )
        if not mine.update(**fields, detail=detail):
            raise Superseded
        for name, given in {**fields, "detail": detail}.items():
            setattr(self.move, name, given)
        self.on_progress(self.move)


def _digest(tables: list[Table]) -> str:
    written = "\n".join(f"{one.schema}.{one.name} {one.version}" for one in tables)
    return hashlib.sha256(written.encode()).hexdigest()


def begin(
    move: models.Move, liveness: Liveness, deadline: float, on_progress: Callable[..., None]
) -> Journey:
    """A journey from where the move stands. Raises `MoveFailed` when the tenant is gone."""
    row = models.Placement.objects.select_related("location").filter(pk=move.tenant_id).first()
    if row is None or move.source is None:
        raise MoveFailed("The tenant was deleted during the migration.")
    source = placements.location_of(move.source)
    target = placements.location_of(move.target) if move.target else None
    epoch = row.epoch if move.flipped_at is None else row.epoch - 1
    if move.flipped_at is None and row.location_id != move.source_id:
        raise MoveFailed("The tenant moved in another way during the migration.")
    links = Links(source, target)
    return Journey(move, source, target, epoch, links, liveness, deadline, on_progress)
