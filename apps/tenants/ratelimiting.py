"""Whether a caller has room for a call, for an operator's own gateway (X41)."""

from uuid import UUID

from apps.metering import public as metering
from apps.tenants import selectors
from tenlyr.core import ratelimits
from tenlyr.core.principal import Principal
from tenlyr.core.ratelimits import UNLIMITED, Allowance


def spend(caller: Principal, tenant_id: UUID | None, cost: int) -> Allowance:
    """Spend `cost` calls of a tenant's throttle; without a tenant, of the caller's own key.

    Raises `TenantNotFound`.
    """
    if tenant_id is not None:
        limit_rpm = selectors.limit_rpm(caller.workspace_id, tenant_id)
    elif caller.tenant_id is not None:
        tenant_id, limit_rpm = caller.tenant_id, caller.limit_rpm
    else:
        return ratelimits.spend(caller.key_id, cost)
    return metering.spend_throttle(tenant_id, limit_rpm, cost) if limit_rpm else UNLIMITED
