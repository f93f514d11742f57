"""What a backup says of itself: whose, of when, of which versions, and what each table holds."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from uuid import UUID

from apps.isolation.backups.errors import BackupFailed
from apps.isolation.moves.shapes import Shape

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One member: a piece of a table's COPY, in order."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableOf:
    """One table. `columns` are (name, type, whether it is generated), in the table's order."""

    part: str
    name: str
    columns: list[list[Any]]
    key: list[str]
    copied: list[str]
    copy_format: str
    rows: int
    digest: str
    chunks: list[Chunk] = field(default_factory=list)

    def fits(self, shape: Shape) -> bool:
        """Whether the table has the same columns and the same key now."""
        same = self.columns == columns_of(shape) and self.key == list(shape.key)
        return same and self.copied == list(shape.copied)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`versions` must be those of the product that restores: migrations, releases."""

    id: str
    tenant_id: UUID
    workspace_id: UUID
    level: str
    taken_at: str
    versions: dict[str, str]
    about: dict[str, str]
    tables: list[TableOf]
    is_sealed: bool
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)

    def written(self) -> bytes:
        """As it stands in the file."""
        return json.dumps(asdict(self), default=str, indent=1).encode()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Raises `BackupFailed` for a format that this version does not know, and `ValueError`,
        `KeyError` or `TypeError` for what is no manifest.
        """
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError("no object")
        if found.get("format") != FORMAT:
            raise BackupFailed(
                f"The backup has format {found.get('format')}; this version reads {FORMAT}."
            )
        tables = [
            TableOf(**{**table, "chunks": [Chunk(**chunk) for chunk in table["chunks"]]})
            for table in found.pop("tables")
        ]
        tenant_id, workspace_id = (
            UUID(str(found.pop(f"{of}_id"))) for of in ("tenant", "workspace")
        )
        if not isinstance(found["versions"], dict):
            raise ValueError("no versions")
        return cls(**found, tenant_id=tenant_id, workspace_id=workspace_id, tables=tables)


def columns_of(shape: Shape) -> list[list[Any]]:
    """The table's columns as a manifest has them."""
    return [[one.name, one.plain_type, one.is_generated] for one in shape.source_columns]
