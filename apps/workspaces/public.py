"""The door of workspaces."""

from apps.workspaces.founding import BadAdminKey as BadAdminKey
from apps.workspaces.founding import found as found
from apps.workspaces.keys import issue as issue_admin_key
from apps.workspaces.keys import revoke as revoke_admin_key
from apps.workspaces.models import Workspace as Workspace
from apps.workspaces.plans import WorkspacePlan as WorkspacePlan
from apps.workspaces.selectors import tenant_limit as tenant_limit

__all__ = [
    "BadAdminKey",
    "Workspace",
    "WorkspacePlan",
    "found",
    "issue_admin_key",
    "revoke_admin_key",
    "tenant_limit",
]
