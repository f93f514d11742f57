"""Reads of the data plane, always of one workspace."""

from uuid import UUID

from apps.dataplane import inspecting
from apps.dataplane.errors import NoDataPlane, NotThereYet, ReleaseNotFound
from apps.dataplane.models import Plane, Release, SchemaState
from apps.isolation import public as isolation
from tenlyr.core import paging
from tenlyr.core.paging import Page


def is_moving(workspace_id: UUID) -> bool:
    """Whether a tenant of the workspace is between two places."""
    return isolation.Move.objects.filter(
        workspace_id=workspace_id, status__in=["pending", "in_progress"]
    ).exists()


def version_of(workspace_id: UUID) -> int:
    """The release that every schema of the workspace should have; 0 without a data plane."""
    found = Plane.objects.filter(pk=workspace_id).values_list("version", flat=True).first()
    return found or 0


def missing(workspace_id: UUID) -> NoDataPlane:
    """Why a tenant has none of the workspace's tables, and what is to be done."""
    return NotThereYet() if version_of(workspace_id) else NoDataPlane()


def release(workspace_id: UUID, version: int) -> Release:
    """One release; raises `ReleaseNotFound`."""
    found = Release.objects.filter(workspace_id=workspace_id, version=version).first()
    if found is None:
        raise ReleaseNotFound()
    return found


def page(workspace_id: UUID, *, limit: int, cursor: str | None) -> Page:
    """A page of releases, newest first; raises `InvalidCursor` for another list's cursor."""
    rows = Release.objects.filter(workspace_id=workspace_id)
    place = f"dataplane|{workspace_id}"
    return paging.newest_first(rows, place=place, limit=limit, cursor=cursor)


def tables(workspace_id: UUID, version: int) -> list[inspecting.Found]:
    """The tables of a version, those referred to before those that refer; none for version 0."""
    row = Release.objects.filter(workspace_id=workspace_id, version=version).first()
    return inspecting.read_back(row.tables) if row else []


def schemas(workspace_id: UUID) -> list[SchemaState]:
    """Every schema with the workspace's tables, the shared one first."""
    rows = SchemaState.objects.filter(workspace_id=workspace_id)
    return sorted(rows, key=lambda row: (row.location_id or 0, row.schema))


def due(workspace_id: UUID) -> list[SchemaState]:
    """The schemas that lack the workspace's current version."""
    current = version_of(workspace_id)
    return [row for row in schemas(workspace_id) if row.version < current]
