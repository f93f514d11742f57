# Made from tenlyr/resources/billing.py by make_sync.py: change that file, not this one.
"""What a tenant pays. Acts with the tenant's key."""

from tenlyr._sync._resource import Resource, get
from tenlyr._types import Portal, TenantBilling


class Billing(Resource):
    """What a tenant pays. Acts with the tenant's key."""

    def get(self, tenant_key: str) -> TenantBilling:
        """What the tenant pays."""
        return self._one(TenantBilling, get("/billing", key=tenant_key))

    def portal_url(self, tenant_key: str) -> Portal:
        """Where the tenant manages its plan and sees its invoices: a link that expires."""
        return self._one(Portal, get("/billing/portal", key=tenant_key))
