"""Events that are a reason for an alert, and those that end one (A25, J24, X18, X36)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from apps.health import alerting
from apps.health.models import LONGEST_MESSAGE, LONGEST_TITLE, Severity
from tenlyr.core.events import Event, EventType

CRITICAL = "health_critical"
MIGRATION = "migration_failed"
NOISY = "noisy_neighbour"
Words = Callable[[Mapping[str, Any]], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reason:
    """The alert that an event of one type raises: `words` makes title and message of its data."""

    kind: str
    severity: Severity
    words: Words
    ends: tuple[str, ...] = field(default=())


def listen(event: Event) -> None:
    """Raise or settle what the event is a reason for, in its transaction."""
    for kind in ENDS.get(event.type, ()):
        alerting.settle(workspace_id=event.workspace_id, tenant_id=event.tenant_id, kind=kind)
    reason = REASONS.get(event.type)
    if reason is None:
        return
    title, message = reason.words(event.data)
    alerting.raise_alert(
        workspace_id=event.workspace_id,
        tenant_id=event.tenant_id,
        kind=reason.kind,
        severity=reason.severity,
        title=title[:LONGEST_TITLE],
        message=message[:LONGEST_MESSAGE],
        metadata={name: value for name, value in event.data.items() if name != "tenantId"},
        now=event.created_at,
    )


def critical(data: Mapping[str, Any]) -> tuple[str, str]:
    """Title and message of a tenant in critical."""
    return (
        f"{data['errorRate']} % of the calls fail",
        f"More than 10 % failed in the last minutes, at {data['requestRate']} requests a minute.",
    )


def _noisy(data: Mapping[str, Any]) -> tuple[str, str]:
    return "The tenant takes much of everybody's capacity", str(data.get("message", ""))


def _migration(data: Mapping[str, Any]) -> tuple[str, str]:
    title = f"The move from {data['fromLevel']} to {data['toLevel']} failed"
    return title, f"{data['error']} The tenant is where it was, nothing is lost."


def _proof(data: Mapping[str, Any]) -> tuple[str, str]:
    return (
        "A proof of isolation failed",
        f"{data['breaches']} of {data['attacks']} attacks got through, and the catalogue has"
        f" {data['defects']} defects. The report of proof {data['proofId']} names them.",
    )


def _violation(data: Mapping[str, Any]) -> tuple[str, str]:
    return (
        "A key named a tenant that is not its own",
        f"A call with key {data['keyId']} had {data['named']} in X-Tenant-ID, and was refused.",
    )


def _failing(data: Mapping[str, Any]) -> tuple[str, str]:
    return (
        "A webhook endpoint fails",
        f"{data['url']} has taken nothing since {data['failingSince']}, and is disabled at"
        f" {data['disabledAt']} if it goes on.",
    )


def _disabled(data: Mapping[str, Any]) -> tuple[str, str]:
    return "A webhook endpoint was disabled", f"{data['url']}: {data['reason']}"


def _exhausted(data: Mapping[str, Any]) -> tuple[str, str]:
    return (
        "A webhook delivery was given up",
        f"{data['url']} did not take {data['eventType']} {data['eventId']} in {data['attempts']}"
        f" attempts: {data['reason']} It can be sent again as delivery {data['deliveryId']}.",
    )


REASONS: Mapping[EventType, Reason] = MappingProxyType(
    {
        EventType.HEALTH_CRITICAL: Reason(CRITICAL, Severity.CRITICAL, critical),
        EventType.NOISY_NEIGHBOUR: Reason(NOISY, Severity.WARNING, _noisy),
        EventType.MIGRATION_FAILED: Reason(MIGRATION, Severity.WARNING, _migration),
        EventType.PROOF_FAILED: Reason("proof_failed", Severity.CRITICAL, _proof),
        EventType.CROSS_TENANT_VIOLATION: Reason(
            "cross_tenant_violation", Severity.CRITICAL, _violation
        ),
        EventType.ENDPOINT_FAILING: Reason("webhook_failing", Severity.WARNING, _failing),
        EventType.ENDPOINT_DISABLED: Reason("webhook_disabled", Severity.CRITICAL, _disabled),
        EventType.DELIVERY_EXHAUSTED: Reason("webhook_exhausted", Severity.WARNING, _exhausted),
    }
)
ENDS: Mapping[EventType, tuple[str, ...]] = MappingProxyType(
    {
        EventType.HEALTH_RECOVERED: (CRITICAL,),
        EventType.NEIGHBOUR_QUIET: (NOISY,),
        EventType.MIGRATION_COMPLETED: (MIGRATION,),
    }
)
