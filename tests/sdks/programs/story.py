"""What an integrator does, from the first tenant to the last: its outcome is printed as JSON."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import tenlyr

LANGUAGE = "python"
TRIES = 100


async def refusal(call: Callable[[], Awaitable[Any]], kind: type[tenlyr.TenlyrError]) -> Any:
    """The code of the error that a call ends with; it must be of a class. A change of keys reaches
    every process within a second.
    """
    for _ in range(TRIES):
        try:
            await call()
        except kind as error:
            return error.code
        await asyncio.sleep(0.1)
    raise AssertionError("it was not refused")


async def totals(client: tenlyr.Tenlyr, key: str) -> tenlyr.UsageMetrics:
    """The totals that a key shows, once it is believed."""
    for _ in range(TRIES):
        try:
            return await client.usage.metrics(key)
        except tenlyr.AuthenticationError:
            await asyncio.sleep(0.1)
    raise AssertionError("it was not believed")


async def main() -> None:
    """The story."""
    async with tenlyr.Tenlyr(os.environ["ADMIN_KEY"], base_url=os.environ["BASE_URL"]) as client:
        sys.stdout.write(json.dumps(await story(client)))


async def story(client: tenlyr.Tenlyr) -> Any:
    """Two tenants, of which one stays."""
    email = f"{LANGUAGE}@story.example"
    made = await client.tenants.create(name="Story", owner_email=email, plan="growth")
    tenant, key = made.tenant, made.api_key
    event = await client.usage.track(
        tenant_key=key, metric="api_call", value=3, endpoint="/invoices", status_code=200
    )
    batch = await client.usage.track_batch(
        key,
        [
            {"metric": "api_call", "value": 2, "id": "invoice-1"},
            {"metric": "api_call", "value": 2, "id": "invoice-1"},
            {"metric": "seats", "value": 4, "mode": "set"},
        ],
    )
    again = await client.usage.track(tenant_key=key, metric="api_call", value=3, id=event.id)
    metrics = await client.usage.metrics(key)
    other = await client.tenants.create(name="Short", owner_email=f"other-{email}")
    found = 0
    async for one in client.tenants.list_all(limit=1):
        found += one.id in {tenant.id, other.tenant.id}
        if found == 2:
            break
    taken = await refusal(
        lambda: client.tenants.create(name="Again", owner_email=email), tenlyr.ConflictError
    )
    suspended = await client.tenants.suspend(tenant.id, "unpaid")
    refused = await refusal(lambda: client.usage.metrics(key), tenlyr.AuthenticationError)
    reactivated = await client.tenants.reactivate(tenant.id)
    rotated = await client.tenants.rotate_api_key(tenant.id)
    revoked = await refusal(lambda: client.usage.metrics(key), tenlyr.AuthenticationError)
    afterwards = await totals(client, rotated.api_key)
    billing = await refusal(
        lambda: client.billing.get(rotated.api_key), tenlyr.TenlyrNotImplementedError
    )
    deleted: Any = await client.tenants.delete(other.tenant.id)  # type: ignore[func-returns-value]
    gone = await refusal(lambda: client.tenants.get(other.tenant.id), tenlyr.NotFoundError)
    return {
        "tenantId": tenant.id,
        "sameEvent": again.id == event.id,
        "batch": [batch.accepted, batch.duplicates],
        "metrics": [metrics.api_calls, metrics.seats, afterwards.api_calls],
        "found": found,
        "states": [suspended.status, reactivated.status],
        "refusals": [taken, refused, revoked, billing, gone],
        "nothing": deleted is None,
    }


asyncio.run(main())
