"""Rows out of a backup into a place that waits for its tenant, and whether they all arrived."""

from collections.abc import Iterator

from apps.isolation.backups import archive
from apps.isolation.backups.errors import BackupFailed
from apps.isolation.backups.manifest import TableOf
from apps.isolation.backups.reading import Backup
from apps.isolation.moves import digests, progress
from apps.isolation.moves.copying import insert
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Connection, one, run
from apps.isolation.moves.progress import Meter
from apps.isolation.moves.quoting import columns, name
from apps.isolation.moves.shapes import TENANT, Shape, stage


def load(journey: Journey, backup: Backup, names: frozenset[str]) -> None:
    """Fill the tables of the parts in `names`. Raises `MoveFailed` with the table that differs."""
    meter = Meter(journey, journey.move.rows_done)
    for table, shape in _pairs(journey, backup, names):
        journey.breathe()
        try:
            _load(journey, backup, table, shape)
        except BackupFailed as error:
            raise MoveFailed(str(error)) from error
        run(journey.links.target_owner, f"ANALYZE {shape.target}")
        meter.add(table.rows)
    meter.say()


def _pairs(
    journey: Journey, backup: Backup, names: frozenset[str]
) -> Iterator[tuple[TableOf, Shape]]:
    """Each table of the backup with what it is now; only names that the product itself gives
    get into SQL.
    """
    kept = {(one.part, one.name): one for one in backup.manifest.tables if one.part in names}
    with journey.of_parts(names):
        found = {shape.table.name: shape for shape in journey.shapes}
    if len(found) != len(kept) or found.keys() != {table for _, table in kept}:
        raise MoveFailed("The backup has other tables than the tenant has now.")
    for (_, table), content in kept.items():
        if not content.fits(found[table]):
            raise MoveFailed(f"Table {table} has other columns now than in the backup.")
        yield content, found[table]


def _load(journey: Journey, backup: Backup, table: TableOf, shape: Shape) -> None:
    target, into = journey.links.target, stage(journey.hex, shape)
    with target.transaction():
        progress.claim(journey)
        # A target that was filled and not flipped is never filled again: still, nothing twice.
        run(target, f"DELETE FROM {shape.target} WHERE {name(TENANT)} = {journey.tenant}")
        run(target, f"TRUNCATE {into}")
        _pour(target, backup, table, shape, into)
        foreign = f"SELECT FROM {into} WHERE {name(TENANT)} IS DISTINCT FROM {journey.tenant}"
        if one(target, f"SELECT EXISTS ({foreign})")[0]:
            raise MoveFailed(archive.DAMAGED)
        run(target, insert(shape, into))
        run(target, f"TRUNCATE {into}")
        found = digests.of(target, shape, f"{shape.target} AS t")
    if found.text != table.digest:
        raise MoveFailed(f"Table {table.name} differs from the backup after it was loaded.")


def _pour(target: Connection, backup: Backup, table: TableOf, shape: Shape, into: str) -> None:
    format_ = "binary" if table.copy_format == "FORMAT binary" else "text"
    give = f"COPY {into} ({columns(shape.copied)}) FROM STDIN (FORMAT {format_})"
    with target.cursor() as cursor, cursor.copy(give) as sink:
        for data in backup.data(table):
            sink.write(data)
