"""Reads of workspaces."""

from uuid import UUID

from apps.workspaces.models import Workspace
from apps.workspaces.plans import TENANT_LIMITS, WorkspacePlan


def tenant_limit(workspace_id: UUID) -> int | None:
    """How many tenants the workspace may have, None for any number.

    Where there is a limit the workspace's row is locked until the transaction ends, so that tenants
    made at the same time are counted one after the other; without one nobody waits.
    """
    rows = Workspace.objects.filter(pk=workspace_id)
    limit = TENANT_LIMITS[WorkspacePlan(rows.values_list("plan", flat=True).get())]
    if limit is None:
        return None
    return TENANT_LIMITS[WorkspacePlan(rows.select_for_update().get().plan)]
