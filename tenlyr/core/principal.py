"""Who is calling, as a value: made from a raw key once, then passed as an argument."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from tenlyr.core import errors
from tenlyr.core.keys import Kind

_REFUSAL = {
    "suspended": errors.TenantSuspended,
    "terminated": errors.TenantTerminated,
    "pending": errors.TenantPending,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `subject` is the tenant or workspace whose epoch this value belongs to: once a higher epoch is
    known, the value is stale. `limits` maps a metric to its strict limit in counter units (X14);
    `limit_rpm` is the throttle, 0 for none; `expires_at` is in epoch seconds, 0 for never (X6b).
    """

    kind: Kind
    key_id: UUID
    workspace_id: UUID
    subject: UUID
    epoch: int
    tenant_id: UUID | None = None
    status: str = "active"
    limits: dict[str, int] = field(default_factory=dict)
    limit_rpm: int = 0
    expires_at: float = 0
    acting_as: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the caller holds an admin key (and does not act as a tenant)."""
        return self.kind is Kind.ADMIN and not self.acting_as

    @property
    def tenant(self) -> UUID:
        """The tenant the caller speaks for; asking an admin for it is a mistake of ours."""
        if self.tenant_id is None:
            raise errors.InsufficientScope("This endpoint needs a tenant key.")
        return self.tenant_id

    def refuse_unless_active(self) -> None:
        """Raise what a suspended, terminated or pending tenant gets (A13, X7)."""
        if self.status != "active":
            raise _REFUSAL.get(self.status, errors.AuthenticationFailed)()

    def as_tenant(self, tenant: "Principal") -> "Principal":
        """The admin's own key, speaking for one of its tenants (X18)."""
        return replace(
            self,
            tenant_id=tenant.tenant_id,
            status=tenant.status,
            limits=tenant.limits,
            limit_rpm=tenant.limit_rpm,
            acting_as=True,
        )
