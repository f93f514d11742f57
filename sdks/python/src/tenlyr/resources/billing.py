"""What a tenant pays. Acts with the tenant's key."""

from tenlyr._resource import Resource, get
from tenlyr._types import Portal, TenantBilling


class Billing(Resource):
    """What a tenant pays. Acts with the tenant's key."""

    async def get(self, tenant_key: str) -> TenantBilling:
        """What the tenant pays."""
        return await self._one(TenantBilling, get("/billing", key=tenant_key))

    async def portal_url(self, tenant_key: str) -> Portal:
        """Where the tenant manages its plan and sees its invoices: a link that expires."""
        return await self._one(Portal, get("/billing/portal", key=tenant_key))
