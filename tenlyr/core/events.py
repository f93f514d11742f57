"""Events go up: an app says what happened, apps above it listen, all in one transaction (E1-E4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from tenlyr.core import clock, ids


class EventType(StrEnum):
    """Every event that Tenlyr emits; catalogue, docs and SDKs are made from it."""

    TENANT_PROVISIONED = "tenant.provisioned"
    TENANT_SUSPENDED = "tenant.suspended"
    TENANT_REACTIVATED = "tenant.reactivated"
    TENANT_TERMINATED = "tenant.terminated"
    TENANT_DELETED = "tenant.deleted"
    TENANT_PLAN_CHANGED = "tenant.plan_changed"
    TENANT_KEY_ROTATED = "tenant.key_rotated"
    HEALTH_CRITICAL = "health.critical"
    HEALTH_RECOVERED = "health.recovered"
    NOISY_NEIGHBOUR = "health.noisy_neighbour"
    NEIGHBOUR_QUIET = "health.neighbour_quiet"
    ALERT_CREATED = "alert.created"
    SUBSCRIPTION_CREATED = "customer.subscription.created"
    PAYMENT_SUCCEEDED = "invoice.payment_succeeded"
    PAYMENT_FAILED = "invoice.payment_failed"
    MIGRATION_STARTED = "isolation.migration_started"
    MIGRATION_COMPLETED = "isolation.migration_completed"
    MIGRATION_FAILED = "isolation.migration_failed"
    PROOF_FAILED = "isolation.proof_failed"
    CROSS_TENANT_VIOLATION = "authz.cross_tenant_violation"
    ENDPOINT_FAILING = "webhook.endpoint_failing"
    ENDPOINT_DISABLED = "webhook.endpoint_disabled"
    DELIVERY_EXHAUSTED = "webhook.delivery_exhausted"
    WEBHOOK_TEST = "webhook.test"


class Audience(StrEnum):
    """Who may hear of an event: the operator and the tenant that it is about, or the operator
    alone.
    """

    TENANT = "tenant"
    OPERATORS = "operators"


# These speak of a tenant to those who run the installation: of its neighbours, of its attacks.
FOR_OPERATORS = frozenset(
    {
        EventType.NOISY_NEIGHBOUR,
        EventType.NEIGHBOUR_QUIET,
        EventType.PROOF_FAILED,
        EventType.CROSS_TENANT_VIOLATION,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `data` is in the wire's casing (E7)."""

    id: str
    type: EventType
    created_at: datetime
    workspace_id: UUID
    tenant_id: UUID | None
    data: dict[str, Any]
    audience: Audience


Subscriber = Callable[[Event], None]
_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> None:
    """Register once, from an app's `ready`; a subscriber's failure undoes the act itself."""
    if subscriber not in _subscribers:
        _subscribers.append(subscriber)


def audience_of(kind: EventType) -> Audience:
    """Who may hear of events of a type."""
    return Audience.OPERATORS if kind in FOR_OPERATORS else Audience.TENANT


def emit(
    kind: EventType,
    *,
    workspace_id: UUID,
    tenant_id: UUID | None,
    data: dict[str, Any],
    audience: Audience | None = None,
) -> Event:
    """Tell every subscriber, inside the transaction that makes the event true. `audience` narrows
    that of the type.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{kind} must be emitted inside the transaction of its cause")
    audience = audience or audience_of(kind)
    event = Event(ids.event_id(), kind, clock.now(), workspace_id, tenant_id, data, audience)
    for subscriber in _subscribers:
        subscriber(event)
    return event
