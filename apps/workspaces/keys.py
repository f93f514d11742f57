"""Admin keys: made, found and revoked (A4, X6)."""

from uuid import UUID

from django.db import connection, transaction

from apps.workspaces.models import AdminKey, Workspace
from tenlyr.core import audit, clock, epochs, errors
from tenlyr.core.auth import Found
from tenlyr.core.keys import Kind
from tenlyr.core.principal import Principal
from tenlyr.core.stored_key import Minted

LOAD = """
SELECT k.id, k.workspace_id, k.verifier, k.revoked_at, extract(epoch FROM k.expires_at),
    coalesce(e.epoch, 0)
FROM workspaces_adminkey k LEFT JOIN core_authepoch e ON e.subject = k.workspace_id
WHERE k.digest = %s
"""


def issue(workspace: Workspace, *, name: str, minted: Minted) -> AdminKey:
    """Store a minted key under a name, in the caller's transaction."""
    key = AdminKey.objects.create(
        workspace=workspace,
        name=name,
        digest=minted.digest,
        verifier=minted.verifier,
        prefix=minted.prefix,
    )
    audit.record("admin_key.created", workspace_id=workspace.id, target=str(key.id), name=name)
    return key


def revoke(key: AdminKey) -> None:
    """Refuse the key everywhere within a second."""
    with transaction.atomic():
        AdminKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now())
        epochs.raise_epoch(key.workspace_id)
        audit.record("admin_key.revoked", workspace_id=key.workspace_id, target=str(key.pk))


def load(digest: bytes) -> Found | None:
    """The stored key behind a digest; raises `KeyRevoked`."""
    with connection.cursor() as cursor:
        cursor.execute(LOAD, [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, workspace_id, verifier, revoked_at, expires_at, epoch = row
    if revoked_at is not None:
        raise errors.KeyRevoked()
    principal = Principal(
        kind=Kind.ADMIN,
        key_id=UUID(str(key_id)),
        workspace_id=workspace_id,
        subject=workspace_id,
        epoch=epoch,
        expires_at=float(expires_at or 0),
    )
    return Found(principal, verifier)
