"""Every event type with what it means and an example of its data: docs, API and tests read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tenlyr.core.events import EventType

TENANT, MIGRATION = "019a9f4e-3b52-7c10-9a55-0d4f6b1c2e01", "019a9f51-77aa-7d3e-8b21-5c9e0f1a2b3c"
PROOF, ALERT = "019a9f60-0c4d-7e8f-9a0b-1c2d3e4f5a6b", "019a9f66-1f2e-7a3b-8c4d-5e6f7a8b9c0d"
ENDPOINT = "019a9f70-2a3b-7c4d-9e5f-6a7b8c9d0e1f"
DELIVERY = "019a9f7a-5d6e-7f80-8a91-a2b3c4d5e6f7"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NOT_YET = "not emitted yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """A type of event: when it is emitted, and `data` as an example in the wire's casing.

    `optional` names are left out where there is nothing to say, `nullable` ones are null then.
    """

    when: str
    data: Mapping[str, Any]
    optional: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()


def _tenant(when: str, **more: Any) -> Entry:
    optional, nullable = (frozenset(more.pop(name, ())) for name in ("optional", "nullable"))
    return Entry(when, {"tenantId": TENANT, **more}, optional, nullable)


def _migration(when: str, **more: Any) -> Entry:
    moved = {"fromLevel": "shared_schema", "toLevel": "dedicated_schema"}
    return Entry(when, {"migrationId": MIGRATION, "tenantId": TENANT, **moved, **more})


def _endpoint(when: str, **more: Any) -> Entry:
    """`tenantId` stands there when the endpoint is a tenant's own."""
    optional = frozenset(more.pop("optional", ()))
    data = {"endpointId": ENDPOINT, "url": "https://example.com/hooks", **more}
    return Entry(when, data, optional)


CATALOGUE: Mapping[EventType, Entry] = MappingProxyType(
    {
        EventType.TENANT_PROVISIONED: _tenant(
            "a tenant was made: place, key and row are there",
            name="Acme Corp",
            plan="growth",
            region="us-east-1",
        ),
        EventType.TENANT_SUSPENDED: _tenant(
            "its keys are refused, its data stays", reason="unpaid", optional=["reason"]
        ),
        EventType.TENANT_REACTIVATED: _tenant("its keys work again"),
        EventType.TENANT_TERMINATED: _tenant(
            "its keys are refused for good, its data stays until it is deleted"
        ),
        EventType.TENANT_DELETED: _tenant("it is gone; the purge of its data has begun"),
        EventType.TENANT_PLAN_CHANGED: _tenant(
            "other limits hold from now on", fromPlan="starter", toPlan="growth"
        ),
        EventType.TENANT_KEY_ROTATED: _tenant(
            "a new key; the old one ends now or at the end of its grace",
            apiKeyPrefix="tenlyr_live_4KfQ",
            oldKeyExpiresAt="2026-11-22T04:05:06.789Z",
            nullable=["oldKeyExpiresAt"],
        ),
        EventType.HEALTH_CRITICAL: _tenant(
            "more than 10 % of its last minutes' events failed; once until it recovered",
            errorRate=12.4,
            requestRate=340,
            slaRisk=True,
        ),
        EventType.HEALTH_RECOVERED: _tenant(
            "it was critical and is seen to be better, or was silent for an hour",
            errorRate=0.4,
            requestRate=338,
            slaRisk=False,
            status="healthy",
            nullable=["errorRate", "requestRate"],
        ),
        EventType.NOISY_NEIGHBOUR: _tenant(
            "it makes much of its database's load, and far more than it used to",
            message="Acme Corp makes 62% of the load of its database: 1,240 of 2,000 events a"
            " minute, with 38 tenants active. That is 12.0 times its usual 103 (median of 140"
            " hours).",
            share=62,
            eventsPerMinute=1_240,
            fleetEventsPerMinute=2_000,
            activeTenants=38,
            usualEventsPerMinute=103.3,
        ),
        EventType.NEIGHBOUR_QUIET: _tenant(
            "it was a noisy neighbour and is none any more",
            message="Acme Corp makes no unusual part of the load of its database any more.",
        ),
        EventType.ALERT_CREATED: _tenant(
            "an alert was opened, by itself or by hand; one that happens again is not told again."
            " Told to operators only where the tenant's key does not see the alert",
            alertId=ALERT,
            type="health_critical",
            severity="critical",
            title="12.4 % of the calls fail",
            message="More than 10 % failed in the last minutes, at 340 requests a minute.",
            nullable=["tenantId"],
        ),
        EventType.SUBSCRIPTION_CREATED: _tenant(NOT_YET),
        EventType.PAYMENT_SUCCEEDED: _tenant(NOT_YET),
        EventType.PAYMENT_FAILED: _tenant(NOT_YET),
        EventType.MIGRATION_STARTED: _migration(
            "a move to another level of isolation was asked for"
        ),
        EventType.MIGRATION_COMPLETED: _migration("the tenant lives at its new level"),
        EventType.MIGRATION_FAILED: _migration(
            "the tenant is where it was, nothing is lost",
            error="The target has no room for the tenant's rows.",
        ),
        EventType.PROOF_FAILED: Entry(
            "a proof found a way by which a tenant's rows could get out; it names no tenant",
            {"proofId": PROOF, "digest": DIGEST, "attacks": 1_204, "breaches": 1, "defects": 1},
        ),
        EventType.CROSS_TENANT_VIOLATION: _tenant(
            "a key named another's tenant in X-Tenant-ID, and was refused; once a minute and key",
            named="019a9f4e-9c1d-7e20-8b66-1e5a7c2d3f04",
            keyId="019a9f4e-3b53-7a41-9d0e-2c4b6a8f1e05",
            nullable=["tenantId"],
        ),
        EventType.ENDPOINT_FAILING: _endpoint(
            "an endpoint has failed for 50, 70 or 90 % of the time after which it is disabled",
            tenantId=TENANT,
            percent=50,
            failingSince="2026-11-19T16:05:06.789Z",
            disabledAt="2026-11-24T16:05:06.789Z",
            optional=["tenantId"],
        ),
        EventType.ENDPOINT_DISABLED: _endpoint(
            "an endpoint failed for 5 days, or answered 410: nothing is sent there any more",
            tenantId=TENANT,
            reason="It failed for 5 days.",
            optional=["tenantId"],
        ),
        EventType.DELIVERY_EXHAUSTED: _endpoint(
            "a delivery failed for 72 hours and is not tried again; never for a delivery of an"
            " event about webhooks",
            tenantId=TENANT,
            deliveryId=DELIVERY,
            eventId="evt_01K9M2A0Q4C7E1V8N5S6W3Y9ZD",
            eventType="tenant.suspended",
            attempts=14,
            reason="The receiver answered 500.",
            optional=["tenantId"],
        ),
        EventType.WEBHOOK_TEST: _endpoint(
            "somebody asked for it; only the endpoint named gets it",
            tenantId=TENANT,
            optional=["tenantId"],
        ),
    }
)


def envelope(kind: EventType) -> dict[str, Any]:
    """An example of the whole body that a receiver gets (E5)."""
    return {
        "id": "evt_01K9VFGM5J9M8A2V6T3R7Q4X0B",
        "type": kind.value,
        "createdAt": "2026-11-21T04:05:06.789Z",
        "data": dict(CATALOGUE[kind].data),
    }
