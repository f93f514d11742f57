"""What a workspace's own plan allows (A10, X13); its tenants' plans are another matter."""

from enum import StrEnum


class WorkspacePlan(StrEnum):
    """The four plans of the operator's account."""

    STARTER = "starter"
    GROWTH = "growth"
    SCALE = "scale"
    ENTERPRISE = "enterprise"


TENANT_LIMITS: dict[WorkspacePlan, int | None] = {
    WorkspacePlan.STARTER: 5,
    WorkspacePlan.GROWTH: 100,
    WorkspacePlan.SCALE: None,
    WorkspacePlan.ENTERPRISE: None,
}
