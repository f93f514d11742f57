"""Decoy tenants at a Location: planted for real, so that every connection could see their rows,
written down before, and removed for sure.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DjangoError
from django.db import transaction
from psycopg import Error as DriverError
from psycopg import sql

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.prover import models, rows, selection, targets
from apps.prover.attacks import BOUNDS, Prey, state_of
from apps.prover.rows import Column, Planted, Table
from apps.prover.targets import WayIn
from tenlyr.core import clock, ids

log = structlog.get_logger(__name__)

CHECK_VIOLATION = "23514"
GIVE_UP_AFTER = timedelta(days=1)
NO_PARTITION = "no partition: no row can be there"
NAME = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s
"""


@dataclass(slots=True)
class Scene:
    """A Location with two decoy tenants at it, their rows and their ways in."""

    location: Location
    me: UUID
    other: UUID
    planted: list[Planted] = field(default_factory=list)
    ways_in: list[WayIn] = field(default_factory=list)

    def prey(self) -> list[tuple[Planted, Prey]]:
        """Every table whose rows are there, as it is attacked."""
        return [(one, _prey(one, self.me, self.other)) for one in self.planted if not one.refused]


@contextmanager
def planted(location: Location, workspace_id: UUID) -> Iterator[Scene]:
    """Two decoy tenants with a row in every table, gone again at the end of the block."""
    scene = Scene(location, ids.uuid7(), ids.uuid7())
    note = _write_down(scene, workspace_id)
    try:
        tenants = (scene.me, scene.other)
        for target in targets.targets():
            scene.ways_in += target.prepare(location, workspace_id, tenants)
        with isolation.settled(location, *tenants):
            scene.planted = _plant(location, note.schemas, tenants)
            yield scene
    finally:
        remove(note)


def remove(note: models.Decoy) -> None:
    """Remove what a note speaks of, and then the note; a second call does nothing."""
    location = next((one for one in isolation.locations() if one.id == note.location_id), None)
    if location is not None:
        # Without a Location there is no table left either.
        with isolation.fleet(location, read_only=False) as here, here.cursor() as cursor:
            cursor.execute(BOUNDS)
            for table in reversed(rows.tables(cursor, note.schemas)):
                statement = f"DELETE FROM {table.quoted} WHERE tenant_id = ANY (%s)"
                cursor.execute(statement, [list(note.tenants)])
    for target in targets.targets():
        target.clear(note.alias, note.tenants)
    note.delete()


def sweep() -> int:
    """Remove what a crash left behind; only while nobody proves. Answers how many notes."""
    left = list(models.Decoy.objects.order_by("id"))
    for note in left:
        try:
            remove(note)
        except (DjangoError, LookupError) as error:
            # Its database may be away; the next sweep comes soon. One that is gone for good has
            # taken the rows along, and the logins have ended by themselves.
            log.warning("proof.decoys_left", location=note.location_id, reason=str(error)[:200])
            is_gone = note.location_id not in {one.id for one in isolation.locations()}
            if is_gone and clock.now() - note.created_at > GIVE_UP_AFTER:
                note.delete()
    return len(left)


def _write_down(scene: Scene, workspace_id: UUID) -> models.Decoy:
    tenants = [scene.me, scene.other]
    roles = [role for target in targets.targets() for role in target.roles(tenants)]
    with transaction.atomic():
        return models.Decoy.objects.create(
            alias=scene.location.alias,
            location_id=scene.location.id,
            schemas=selection.schemas_of(scene.location, workspace_id),
            tenants=tenants,
            roles=roles,
        )


def _plant(location: Location, schemas: Sequence[str], tenants: Sequence[UUID]) -> list[Planted]:
    found: dict[str, Planted] = {}
    with isolation.fleet(location, read_only=False) as here, here.cursor() as cursor:
        cursor.execute(BOUNDS)
        for table in rows.tables(cursor, schemas):
            found[table.regclass] = _plant_in(cursor, table, tenants, found)
    return list(found.values())


def _plant_in(
    cursor: Any, table: Table, tenants: Sequence[UUID], parents: dict[str, Planted]
) -> Planted:
    planted = Planted(table, refused="" if table.can_hold_rows else NO_PARTITION)
    for tenant_id in tenants if table.can_hold_rows else ():
        wanted = rows.columns(cursor, table, tenant_id)
        planted.types = {one.name: one.type for one in wanted}
        for row in rows.candidates(wanted):
            row.update(_from_parents(wanted, tenant_id, parents))
            planted.refused = _try(cursor, planted, tenant_id, row)
            if not planted.refused.startswith(CHECK_VIOLATION):
                break
        if planted.refused:
            break
    return planted


def _try(cursor: Any, planted: Planted, tenant_id: UUID, row: dict[str, str]) -> str:
    """Insert one row; why it was refused, or an empty text."""
    statement, parameters = rows.insert(planted.table.quoted, row, planted.types)
    named = [f"{sql.Identifier(name).as_string()}::text" for name in planted.types]
    cursor.execute("SAVEPOINT planting")
    try:
        returned = ", ".join(["tableoid::bigint", *named])
        cursor.execute(f"{statement} RETURNING {returned}", parameters)
    except (DjangoError, DriverError) as error:
        cursor.execute("ROLLBACK TO planting")
        return f"{state_of(error)}: {str(error).splitlines()[0][:200]}"
    relation, *stored = cursor.fetchone()
    cursor.execute(NAME, [relation])
    planted.partition = cursor.fetchone()[0]
    planted.given[tenant_id] = row
    planted.stored[tenant_id] = dict(zip(planted.types, stored, strict=True))
    return ""


def _from_parents(
    wanted: list[Column], tenant_id: UUID, parents: dict[str, Planted]
) -> dict[str, str]:
    """The columns that refer to a decoy's row in another table."""
    found = {}
    for column in wanted:
        table, _, name = (column.parent or "").rpartition(".")
        if table in parents and name in parents[table].stored.get(tenant_id, {}):
            found[column.name] = parents[table].stored[tenant_id][name]
    return found


def _prey(planted: Planted, me: UUID, other: UUID) -> Prey:
    return Prey(
        table=planted.table.quoted,
        partition="" if planted.is_whole else planted.partition,
        me=str(me),
        other=str(other),
        row=planted.given[other],
        types=planted.types,
    )
