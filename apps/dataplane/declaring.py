"""A workspace's tables as files: `tenlyr.toml` names a folder of `0001_what.sql` and so on."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from apps.dataplane import releasing
from apps.dataplane.ddl import statements
from apps.dataplane.models import Release
from tenlyr.core.errors import ApiError

NAME = re.compile(r"(\d{1,9})(?:[_-][\w-]*)?\.sql")


class BadDeclaration(Exception):
    """The files cannot be read, or say something else than what was released; for people."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What `tenlyr.toml` says: the workspace, if any, and the files by version."""

    workspace_id: UUID | None
    files: dict[int, Path]


def read(path: Path) -> Declaration:
    """Read `tenlyr.toml`; raises `BadDeclaration`."""
    try:
        said = tomllib.loads(path.read_text()).get("dataplane", {})
        workspace = said.get("workspace")
        folder = path.parent / str(said.get("releases", "dataplane"))
        return Declaration(UUID(workspace) if workspace else None, _files(folder))
    except OSError as error:
        raise BadDeclaration(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, ValueError, AttributeError) as error:
        raise BadDeclaration(f"{path}: {error}.") from error


def push(workspace_id: UUID, files: dict[int, Path]) -> list[Release]:
    """Publish what is not released yet, in order; raises `BadDeclaration` at the first that is
    refused, and those before it stay.
    """
    known = dict(
        Release.objects.filter(workspace_id=workspace_id).values_list("version", "checksum")
    )
    made = []
    for version, path in files.items():
        sql = _text(path)
        if version not in known:
            made.append(_publish(workspace_id, version, path, sql))
        elif _checksum(path, sql) != known[version]:
            raise BadDeclaration(f"{path.name} was changed after it was released: add a new file.")
    return made


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadDeclaration(f"{path.name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadDeclaration(f"{path.name} is not UTF-8.") from error


def _files(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*.sql")):
        name = NAME.fullmatch(path.name)
        if name is None or int(name[1]) in found or not int(name[1]):
            raise BadDeclaration(f"{path.name}: call files 0001_what.sql, each number once.")
        found[int(name[1])] = path
    if not found:
        raise BadDeclaration(f"There is no .sql file in {folder}.")
    return dict(sorted(found.items()))


def _publish(workspace_id: UUID, version: int, path: Path, sql: str) -> Release:
    try:
        return releasing.publish(workspace_id=workspace_id, version=version, sql=sql)
    except ApiError as error:
        raise BadDeclaration(f"{path.name}: {error.public}") from error


def _checksum(path: Path, sql: str) -> str:
    try:
        return releasing.checksum(statements.read(sql))
    except statements.Refused as error:
        raise BadDeclaration(f"{path.name}: {error}") from error
