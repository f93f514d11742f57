"""What the calls answer, as type checkers see it. Nothing here is run."""

import sys
from datetime import datetime
from typing import Optional

from tenlyr import (
    Alert,
    CreatedTenant,
    DashboardTenant,
    Listing,
    Migration,
    Tenant,
    TenantPage,
    Tenlyr,
    TenlyrSync,
    UsageEvent,
)

if sys.version_info >= (3, 11):
    from typing import assert_type

    async def use(client: Tenlyr) -> None:
        created = await client.tenants.create(name="Acme", owner_email="o@acme.example")
        assert_type(created, CreatedTenant)
        assert_type(created.tenant.last_active_at, Optional[datetime])
        assert_type(await client.tenants.list(limit=5), TenantPage)
        assert_type(await client.tenants.health(), Listing[DashboardTenant])
        assert_type([one async for one in client.tenants.list_all(plan="growth")], list[Tenant])
        event = await client.usage.track(tenant_key="k", metric="api_call", value=1)
        assert_type(event, UsageEvent)
        assert_type(await client.isolation.wait_for_migration("m"), Migration)
        await client.tenants.create(name="Acme", owner_email="o", plan="gold")  # type: ignore[arg-type]

    def use_sync(client: TenlyrSync) -> None:
        assert_type(client.tenants.get("t"), Tenant)
        assert_type(list(client.alerts.list_all()), list[Alert])
        assert_type(client.isolation.wait_for_migration("m"), Migration)
        client.usage.track(tenant_key="k", metric="apples", value=1)  # type: ignore[arg-type]
