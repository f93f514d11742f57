"""The target: a place for the tenant, its tables, and what the copy needs beside them."""

from uuid import uuid4

from django.db import transaction

from apps.isolation import models, placing
from apps.isolation.databases import building, providing
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.levels import Level
from apps.isolation.moves import capturing, parking, progress
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Connection, run
from apps.isolation.moves.quoting import columns
from apps.isolation.moves.shapes import Shape, keys, stage

Location = models.Location


def place(journey: Journey) -> None:
    """Step `place`: a Location of the wanted level, on the record as soon as it is taken."""
    if journey.target is not None:
        return
    level = Level(journey.move.to_level)
    if level is Level.DEDICATED_DATABASE:
        journey.aim(_in_a_database(journey))
        return
    with transaction.atomic():
        if level is Level.SHARED_SCHEMA:
            journey.aim(Location.objects.get(state=Location.State.SHARED))
        else:
            journey.aim(placing._claim_warm() or placing._build(Location.State.CLAIMED))


def _in_a_database(journey: Journey) -> models.Location:
    """A database of the tenant's own; its names are on the record before it is made."""
    known = journey.move.detail
    alias = known.get("database") or providing.new_alias()
    schema = known.get("schema") or f"t_{uuid4().hex}"
    journey.note(database=alias, schema=schema)
    about = {"tenantId": str(journey.tenant_id), "moveId": str(journey.move.id)}
    try:
        return building.build_location(providing.provide(alias, journey.move.driver, about), schema)
    except DatabaseFailed as error:
        raise MoveFailed("The database could not be provided.", internal=str(error)) from error


def prepare(journey: Journey) -> None:
    """Step `prepare`: every table, empty of this tenant, without what would hinder the copy."""
    capturing.keep_books(journey.links.target_owner)
    progress.arrive(journey)
    _reopen(journey)
    journey.prepare_parts()
    journey.pin_tables()
    for shape in journey.shapes:
        _make_beside(journey, shape)
    parking.park(journey)


def _reopen(journey: Journey) -> None:
    """A place that the tenant once left may still refuse it: take the old gates away."""
    left = models.Move.objects.filter(
        tenant_id=journey.tenant_id, source=journey.arrival.id
    ).exclude(pk=journey.move.pk)
    for move in left:
        capturing.stop(journey.links.target_owner, move.id.hex)


def _make_beside(journey: Journey, shape: Shape) -> None:
    """The stage and the keys: bare tables with the target's types, for the fleet's role only."""
    owner = journey.links.target_owner
    for made, wanted in (
        (stage(journey.hex, shape), shape.copied),
        (keys(journey.hex, shape), shape.key),
    ):
        run(
            owner,
            f"CREATE UNLOGGED TABLE IF NOT EXISTS {made} WITH (autovacuum_enabled = false)"
            f" AS SELECT {columns(wanted)} FROM {shape.target} WITH NO DATA",
        )
        run(owner, f"GRANT SELECT, INSERT, DELETE, TRUNCATE ON {made} TO tenlyr_fleet")


def clear_away(owner: Connection, move_hex: str, move_id: str) -> None:
    """Remove what `prepare` made beside the tables; a second time does nothing."""
    found = owner.execute(
        "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'tenlyr_moves' AND c.relkind = 'r' AND c.relname ~ %s",
        [f"^(stage|keys)_{move_hex}_"],
    ).fetchall()
    for (table,) in found:
        run(owner, f"DROP TABLE {table}")
    if owner.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'tenlyr_moves'").fetchone():
        owner.execute("DELETE FROM tenlyr_moves.arrival WHERE move_id = %s", [move_id])
