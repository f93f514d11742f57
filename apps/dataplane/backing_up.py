"""Backups of one tenant, as commands ask for them: which tenant, which release of its tables.

How rows get into a file and out of it is isolation's to know (A19).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db import connection

from apps.dataplane import places
from apps.isolation import public as isolation
from apps.isolation.public import Backup, BackupFailed, Manifest, Move
from apps.tenants import public as tenants

RESTORABLE = frozenset({tenants.Status.ACTIVE, tenants.Status.SUSPENDED})
# Usage is the billing record, and the counters beside it count on: a restore leaves it as it is.
RESTORED = frozenset({"dataplane"})


def back_up(
    tenant_id: UUID, path: Path, *, is_sealed: bool, on_progress: isolation.OnBackup
) -> Manifest:
    """Write a tenant's backup, whatever its status. Raises `BackupFailed`."""
    return isolation.backup(
        tenant_id,
        tenant(tenant_id).workspace_id,
        path,
        versions=versions(tenant_id),
        is_sealed=is_sealed,
        on_progress=on_progress,
    )


@contextmanager
def opened(path: Path, tenant_id: UUID | None) -> Iterator[Backup]:
    """A backup whose every byte was checked, and that can be restored now. Raises
    `BackupFailed`.
    """
    with isolation.open_backup(path, tenant_id, versions) as backup:
        _check(backup.manifest.tenant_id)
        yield backup


def restore(backup: Backup, *, on_progress: isolation.OnMove) -> Move:
    """Give the tenant a new place with the operator's rows of the backup and its present usage;
    answers the move, at its end. Raises `BackupFailed`, `MoveInProgress`.
    """
    tenant_id = backup.manifest.tenant_id
    return isolation.restore(
        backup, RESTORED, check=lambda: _check(tenant_id), on_progress=on_progress
    )


def _check(tenant_id: UUID) -> None:
    """Inside a transaction the tenant is locked: who ends or deletes it waits."""
    tenant(tenant_id)
    rows = tenants.Tenant.objects.filter(pk=tenant_id)
    if connection.in_atomic_block:
        rows = rows.select_for_update(of=("self",))
    if tenants.Status(rows.get().status) not in RESTORABLE:
        raise BackupFailed("The tenant is pending or terminated: nothing of it can be restored.")


def tenant(tenant_id: UUID) -> tenants.Tenant:
    """The tenant; raises `BackupFailed`."""
    found = tenants.Tenant.objects.filter(pk=tenant_id).first()
    if found is None:
        raise BackupFailed("There is no such tenant.")
    return found


def versions(tenant_id: UUID) -> dict[str, str]:
    """The release that the tenant's own schema has."""
    home = places.home_of(tenant_id)
    return {"release": str(places.version_at(home) if home else 0)}
