"""The first workspace of an installation: its admin key and its operator's login (X13)."""

import secrets
from dataclasses import dataclass

from django.db import transaction

from apps.workspaces import keys
from apps.workspaces.models import Membership, Operator, Workspace
from apps.workspaces.plans import WorkspacePlan
from tenlyr.core import audit
from tenlyr.core.keys import Kind, kind_of
from tenlyr.core.stored_key import mint

OPERATOR = "operator@tenlyr.local"


class BadAdminKey(ValueError):
    """The key given for the first workspace is not a well-formed admin key."""


@dataclass(frozen=True, slots=True)
class Founded:
    """What is shown once, at the first start."""

    workspace_id: str
    admin_key: str
    operator_email: str
    operator_password: str


def found(admin_key: str = "") -> Founded | None:
    """Make the first workspace unless there is one; `admin_key` may be given. Raises
    `BadAdminKey`.
    """
    if admin_key and kind_of(admin_key) is not Kind.ADMIN:
        raise BadAdminKey(
            "TENLYR_ADMIN_KEY is not an admin key: tenlyr_live_tf_ and 46 characters."
        )
    if Workspace.objects.exists():
        return None
    minted = mint(Kind.ADMIN, admin_key or None)
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        workspace = Workspace.objects.create(name="First workspace", plan=WorkspacePlan.ENTERPRISE)
        operator = Operator.objects.create_superuser(OPERATOR, OPERATOR, password)
        Membership.objects.create(
            workspace=workspace, operator=operator, role=Membership.Role.OWNER
        )
        keys.issue(workspace, name="first key", minted=minted)
        audit.record("workspace.created", workspace_id=workspace.id, target=str(workspace.id))
    return Founded(str(workspace.id), minted.raw, OPERATOR, password)
