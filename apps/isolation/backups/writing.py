"""Taking a backup: every table of one tenant through COPY, in one snapshot, while it works on."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import UUID

import psycopg
from django.db import transaction

from apps.isolation.backups import archive, manifest, subject
from apps.isolation.backups.archive import Archive
from apps.isolation.backups.errors import BackupFailed
from apps.isolation.backups.manifest import Chunk, Manifest, TableOf
from apps.isolation.moves import digests
from apps.isolation.moves.links import Connection, Links, one, run
from apps.isolation.moves.quoting import columns, name, value
from apps.isolation.moves.shapes import TENANT, Shape
from apps.isolation.parts import NotMovable
from apps.isolation.placements import Placement
from tenlyr.core import audit, clock, secrets
from tenlyr.core.ids import uuid7

CHUNK_BYTES = 8 << 20
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Table, rows of it (0 while it is read), bytes written so far.
OnProgress = Callable[[str, int, int], None]


def backup(
    tenant_id: UUID,
    workspace_id: UUID,
    path: Path,
    *,
    versions: Mapping[str, str],
    is_sealed: bool = False,
    on_progress: OnProgress = lambda table, rows, size: None,
) -> Manifest:
    """Write the tenant's rows to `path`, all as of one moment; it works on meanwhile (A19).

    `is_sealed` encrypts each member with the installation's secret. Raises `BackupFailed`.
    """
    placed = subject.placement_of(tenant_id)
    where = Links(placed.location, None)
    try:
        with archive.writing(path) as file, where:
            taken = _Taking(where, placed, file, on_progress, is_sealed=is_sealed)
            found = taken.take(workspace_id, versions)
            with transaction.atomic():
                audit.record(
                    "isolation.tenant_backed_up",
                    workspace_id=workspace_id,
                    tenant_id=tenant_id,
                    target=found.id,
                    rows=found.rows,
                    is_sealed=is_sealed,
                )
    except NotMovable as error:
        raise BackupFailed(str(error)) from error
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise BackupFailed(f"The tenant's database gave no backup: {reason}") from error
    return found


class _Taking:
    """One backup."""

    def __init__(
        self,
        links: Links,
        placed: Placement,
        file: Archive,
        on_progress: OnProgress,
        *,
        is_sealed: bool,
    ) -> None:
        self._links, self._placed, self._file = links, placed, file
        self._say, self._is_sealed = on_progress, is_sealed
        self._id = str(uuid7())
        self._tenant = f"{value(str(placed.tenant_id))}::uuid"

    def take(self, workspace_id: UUID, versions: Mapping[str, str]) -> Manifest:
        here, source = self._placed.location, self._links.source
        with source.transaction():
            run(source, SNAPSHOT)
            (major,) = one(source, "SELECT current_setting('server_version')")
            before = self._tables()
            known = subject.versions_at(self._links, here, versions)
            tables = [self._table(part, shape) for part, found in before.items() for shape in found]
            self._still_the_same(before, known, versions)
        found = Manifest(
            id=self._id,
            tenant_id=self._placed.tenant_id,
            workspace_id=workspace_id,
            level=str(self._placed.level),
            taken_at=clock.now().isoformat(),
            versions=known,
            about={"product": _product(), "postgres": major},
            tables=tables,
            is_sealed=self._is_sealed,
        )
        self._file.add(manifest.NAME, found.written())
        return found

    def _tables(self) -> dict[str, list[Shape]]:
        found = subject.tables_at(self._links, self._placed.tenant_id, self._placed.location)
        # The snapshot is older than this look: a tenant that left before it is somewhere else.
        if subject.placement_of(self._placed.tenant_id) != self._placed:
            raise BackupFailed("The tenant moved while its backup began: try again.")
        return found

    def _still_the_same(
        self, before: dict[str, list[Shape]], known: dict[str, str], versions: Mapping[str, str]
    ) -> None:
        """Rows come from the snapshot, tables are as they are now: both must be of one kind."""
        after = subject.tables_at(self._links, self._placed.tenant_id, self._placed.location)
        contents = [
            {part: [shape.contents for shape in found] for part, found in tables.items()}
            for tables in (before, after)
        ]
        migrations = subject.versions_at(self._links, self._placed.location, versions)
        if contents[0] != contents[1] or migrations != known:
            raise BackupFailed("The tenant's tables were changed during the backup: try again.")

    def _table(self, part: str, shape: Shape) -> TableOf:
        self._say(shape.table.name, 0, self._file.bytes)
        digest = digests.of(
            self._links.source,
            shape,
            f"{shape.source} AS t WHERE t.{name(TENANT)} = {self._tenant}",
        )
        pieces = _pieces(self._links.source, self._query(shape))
        chunks = [
            self._chunk(f"{part}/{shape.table.name}/{number:06}", piece)
            for number, piece in enumerate(pieces)
        ]
        self._say(shape.table.name, digest.rows, self._file.bytes)
        return TableOf(
            part=part,
            name=shape.table.name,
            columns=manifest.columns_of(shape),
            key=list(shape.key),
            copied=list(shape.copied),
            copy_format=shape.copy_format,
            rows=digest.rows,
            digest=digest.text,
            chunks=chunks,
        )

    def _query(self, shape: Shape) -> str:
        return (
            f"COPY (SELECT {columns(shape.copied)} FROM {shape.source}"
            f" WHERE {name(TENANT)} = {self._tenant}) TO STDOUT ({shape.copy_format})"
        )

    def _chunk(self, path: str, data: bytes) -> Chunk:
        chunk = Chunk(path, len(data), hashlib.sha256(data).hexdigest())
        sealed = secrets.seal(data, place=place_of(self._id, path)) if self._is_sealed else data
        self._file.add(path, sealed)
        self._say(path.split("/")[1], 0, self._file.bytes)
        return chunk


def place_of(backup_id: str, path: str) -> str:
    """What a sealed member is bound to: it opens in no other backup, and under no other name."""
    return f"backup {backup_id} {path}"


def _pieces(source: Connection, query: str) -> Iterator[bytes]:
    held = bytearray()
    with source.cursor() as cursor, cursor.copy(query) as rows:
        for data in rows:
            held += data
            if len(held) >= CHUNK_BYTES:
                yield bytes(held)
                held.clear()
    yield bytes(held)


def _product() -> str:
    try:
        return version("tenlyr")
    except PackageNotFoundError:
        return "unreleased"
