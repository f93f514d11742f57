"""Reading a backup: refused as a whole unless every byte is what was written."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.isolation.backups import archive, manifest
from apps.isolation.backups.errors import BackupFailed
from apps.isolation.backups.manifest import Chunk, Manifest, TableOf
from apps.isolation.backups.writing import place_of
from tenlyr.core import secrets

FOREIGN = "The backup was encrypted with the secret of another installation."


class Backup:
    """An open file that was looked through."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        try:
            self.manifest = Manifest.read(archive.member(tar, manifest.NAME))
        except (ValueError, KeyError, TypeError) as error:
            raise BackupFailed(archive.DAMAGED) from error

    def data(self, table: TableOf) -> Iterator[bytes]:
        """The table's COPY, piece by piece. Raises `BackupFailed`."""
        return (self._piece(chunk) for chunk in table.chunks)

    def check(self) -> None:
        """Whether every member is there, can be opened, and is what the manifest says."""
        for table in self.manifest.tables:
            for _ in self.data(table):
                pass

    def _piece(self, chunk: Chunk) -> bytes:
        data = archive.member(self._tar, chunk.name)
        if self.manifest.is_sealed:
            try:
                data = secrets.unseal(data, place=place_of(self.manifest.id, chunk.name))
            except secrets.CannotDecrypt as error:
                raise BackupFailed(FOREIGN) from error
        if len(data) != chunk.bytes or hashlib.sha256(data).hexdigest() != chunk.sha256:
            raise BackupFailed(archive.DAMAGED)
        return data


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """A backup whose every byte was checked. Raises `BackupFailed`."""
    with archive.reading(path) as tar:
        found = Backup(tar)
        found.check()
        yield found
