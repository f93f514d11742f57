"""The file: a plain tar, whose last member is the SHA-256 of every byte before it.

Written under another name and renamed when it is whole and on the disk; only its owner may read it.
"""

import fcntl
import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from apps.isolation.backups.errors import BackupFailed

MODE = 0o600
BLOCK = 512
SEAL = "sha256"
SEAL_BYTES = 64
END = b"\0" * (2 * BLOCK)
# What stands after the bytes that are summed: the sum, padded, and the end of every tar.
TAIL = BLOCK + len(END)
READ_AT_ONCE = 1 << 20
DAMAGED = "The backup is damaged: it is not what was written."


class Archive:
    """A tar in the making."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sum = file, hashlib.sha256()
        self.bytes = 0

    def add(self, name: str, data: bytes) -> None:
        """One member."""
        self._write(_header(name, len(data)))
        self._write(data + b"\0" * (-len(data) % BLOCK))

    def seal(self) -> None:
        """The end: the sum of it all."""
        self._write(_header(SEAL, SEAL_BYTES))
        self._file.write(_seal(self._sum.hexdigest()))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _write(self, data: bytes) -> None:
        self._sum.update(data)
        self._file.write(data)
        self.bytes += len(data)


@contextmanager
def writing(path: Path) -> Iterator[Archive]:
    """An archive that is at `path` when the block ends, whole, or not at all.

    Raises `BackupFailed` where a file is already, or another backup is being written there.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT, MODE)
    except OSError as error:
        raise BackupFailed(f"{part} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        _alone(file, part)
        try:
            # Not before: who had the lock may have finished there this very moment.
            if path.exists():
                raise BackupFailed(f"{path} is there already.")
            archive = Archive(file)
            yield archive
            archive.seal()
            part.rename(path)
        except BaseException as error:
            with suppress(OSError):
                part.unlink()
            if isinstance(error, OSError):
                raise BackupFailed(f"{path} could not be written: {error.strerror}.") from error
            raise
    _keep_name(path.parent)


def _alone(file: BinaryIO, part: Path) -> None:
    """What a killed backup left is written over, what a living one writes is not."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The one that had it may have finished meanwhile: then this file is its own.
        is_ours = os.fstat(file.fileno()).st_ino == part.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        is_ours = False
    if not is_ours:
        raise BackupFailed(f"Another backup is being written to {part}.")
    os.fchmod(file.fileno(), MODE)
    file.truncate(0)


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def reading(path: Path) -> Iterator[tarfile.TarFile]:
    """The archive, after every byte of it was looked at. Raises `BackupFailed`."""
    try:
        with path.open("rb") as file:
            _check(file)
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as tar:
                yield tar
    except tarfile.TarError as error:
        raise BackupFailed(DAMAGED) from error
    except OSError as error:
        raise BackupFailed(f"{path} cannot be read: {error.strerror}.") from error


def member(tar: tarfile.TarFile, name: str) -> bytes:
    """The bytes of one member. Raises `BackupFailed`."""
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise BackupFailed(DAMAGED)
    return file.read()


def _check(file: BinaryIO) -> None:
    left = os.fstat(file.fileno()).st_size - TAIL
    found = hashlib.sha256()
    while left > 0:
        data = file.read(min(left, READ_AT_ONCE))
        if not data:
            raise BackupFailed(DAMAGED)
        found.update(data)
        left -= len(data)
    if left < 0 or file.read() != _seal(found.hexdigest()):
        raise BackupFailed(DAMAGED)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, MODE
    return info.tobuf(tarfile.USTAR_FORMAT)


def _seal(digest: str) -> bytes:
    return digest.encode().ljust(BLOCK, b"\0") + END
