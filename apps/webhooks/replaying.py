"""Sending again what was sent or missed, by hand: one delivery, a range of time, or a test (E8)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.webhooks import endpoints, partitions, statements
from apps.webhooks.errors import (
    DeliveryNotFound,
    EndpointNotEnabled,
    EventGone,
    ReplayTooLarge,
)
from apps.webhooks.models import Delivery, Endpoint, OutboxEvent
from tenlyr.core import audit, clock, errors, ids, tasks
from tenlyr.core.events import EventType

MOST = 10_000
REPLAY = """
INSERT INTO webhooks_delivery (event_id, event_at, endpoint_id, workspace_id, tenant_id, lane, type,
                               replay, next_at, created_at)
SELECT id, created_at, %(endpoint)s, workspace_id, tenant_id, coalesce(tenant_id, workspace_id),
       type, %(replay)s, %(now)s, %(now)s
FROM webhooks_outboxevent WHERE id = ANY (%(events)s) ORDER BY seq
"""


def retry(*, workspace_id: UUID, delivery_id: UUID, tenant_id: UUID | None = None) -> Delivery:
    """Send one delivery again, now, with the whole schedule before it; a pending one just sooner.

    With `tenant_id` only one to that tenant's endpoints. Raises `DeliveryNotFound`,
    `EndpointNotFound`, `EndpointNotEnabled`, `EventGone`.
    """
    with transaction.atomic():
        delivery = get(workspace_id, delivery_id, tenant_id, lock=True)
        endpoint = _ready(workspace_id, delivery.endpoint_id, tenant_id)
        if not OutboxEvent.objects.filter(id=delivery.event_id).exists():
            raise EventGone()
        changed: dict[str, Any] = {"next_at": clock.now()}
        if delivery.status != Delivery.Status.PENDING:
            fresh = {"failures": 0, "first_at": None, "finished_at": None}
            changed |= {"status": Delivery.Status.PENDING, **fresh}
        for name, value in changed.items():
            setattr(delivery, name, value)
        delivery.save(update_fields=list(changed))
        _told(endpoint, "webhook.delivery_retried", target=str(delivery.id))
    return delivery


def get(
    workspace_id: UUID, delivery_id: UUID, tenant_id: UUID | None = None, *, lock: bool = False
) -> Delivery:
    """One delivery; with `tenant_id` only one to that tenant's endpoints. Raises
    `DeliveryNotFound`.
    """
    rows = of(workspace_id, tenant_id).filter(id=delivery_id)
    found = (rows.select_for_update() if lock else rows).first()
    if found is None:
        raise DeliveryNotFound()
    return found


def of(workspace_id: UUID, tenant_id: UUID | None = None) -> "QuerySet[Delivery]":
    """The workspace's deliveries, or those to the endpoints of one tenant."""
    rows = Delivery.objects.filter(workspace_id=workspace_id)
    if tenant_id is None:
        return rows
    mine = endpoints.of(workspace_id, tenant_id).values("id")
    return rows.filter(tenant_id=tenant_id, endpoint_id__in=mine)


def replay(
    *,
    workspace_id: UUID,
    endpoint_id: UUID,
    since: datetime,
    until: datetime,
    tenant_id: UUID | None = None,
    types: Sequence[str] | None = None,
    only_undelivered: bool = False,
) -> int:
    """Send the events of `since` <= time < `until` that the endpoint listens to once more, in
    their order; answers how many. Those from before the endpoint was made are among them.

    `types` narrows it, `only_undelivered` leaves out what it has accepted before. Raises
    `EndpointNotFound`, `EndpointNotEnabled`, `ReplayTooLarge`, `InvalidRequest`.
    """
    if until <= since:
        raise errors.invalid("until", "invalid", "Must be later than since.")
    if partitions.month_of(since) < partitions.kept_since():
        raise errors.invalid("since", "invalid", "Is older than the log is kept.")
    with transaction.atomic():
        endpoint = _ready(workspace_id, endpoint_id, tenant_id)
        events = _wanted(endpoint, since, until, types)
        if only_undelivered:
            accepted = Delivery.objects.filter(
                endpoint_id=endpoint_id, status=Delivery.Status.DELIVERED,
                event_at__gte=since, event_at__lt=until,
            )  # fmt: skip
            events = events.exclude(id__in=accepted.values("event_id"))
        found = list(events.order_by("seq").values_list("id", "created_at")[: MOST + 1])
        if len(found) > MOST:
            raise ReplayTooLarge(limit=MOST)
        partitions.ensure_for_events(moment for _, moment in found)
        _insert(endpoint, [event_id for event_id, _ in found])
        _told(endpoint, "webhook.replayed", events=len(found))
    return len(found)


def send_test(*, workspace_id: UUID, endpoint_id: UUID, tenant_id: UUID | None = None) -> Delivery:
    """Send `webhook.test` to this endpoint alone, once. Raises `EndpointNotFound`,
    `EndpointNotEnabled`.
    """
    with transaction.atomic():
        endpoint = _ready(workspace_id, endpoint_id, tenant_id)
        now = clock.now()
        partitions.ensure_for_events([now])
        event = OutboxEvent.objects.create(
            id=ids.event_id(),
            type=EventType.WEBHOOK_TEST,
            workspace_id=workspace_id,
            tenant_id=endpoint.tenant_id,
            data=endpoints.about(endpoint),
            created_at=now,
            is_fanned_out=True,
        )
        delivery = Delivery.objects.create(
            event_id=event.id,
            event_at=now,
            endpoint_id=endpoint.id,
            workspace_id=workspace_id,
            tenant_id=endpoint.tenant_id,
            # Of no tenant's queue: it must not wait for what it is to find out.
            lane=ids.uuid7(),
            type=event.type,
            is_test=True,
            next_at=now,
            created_at=now,
        )
        _told(endpoint, "webhook.tested")
    return delivery


def _ready(workspace_id: UUID, endpoint_id: UUID, tenant_id: UUID | None) -> Endpoint:
    endpoint = endpoints.get(workspace_id, endpoint_id, tenant_id)
    if endpoint.status != Endpoint.Status.ENABLED:
        raise EndpointNotEnabled()
    return endpoint


def _wanted(
    endpoint: Endpoint, since: datetime, until: datetime, types: Sequence[str] | None
) -> "QuerySet[OutboxEvent]":
    events = OutboxEvent.objects.filter(
        workspace_id=endpoint.workspace_id, created_at__gte=since, created_at__lt=until
    ).exclude(type=EventType.WEBHOOK_TEST)
    # As in the fan-out: what is about an endpoint is not sent there.
    events = events.exclude(
        type__startswith=endpoints.ABOUT_WEBHOOKS, data__endpointId=str(endpoint.id)
    )
    if endpoint.tenant_id is not None:
        events = events.filter(tenant_id=endpoint.tenant_id, is_for_operators=False)
    if endpoint.events != [endpoints.ALL]:
        events = events.filter(type__in=endpoint.events)
    return events if types is None else events.filter(type__in=types)


def _insert(endpoint: Endpoint, events: list[str]) -> None:
    [(number,)] = statements.rows("SELECT nextval('webhooks_turn')")
    given = {"endpoint": endpoint.id, "replay": number, "now": clock.now(), "events": events}
    statements.run(REPLAY, given)


def _told(endpoint: Endpoint, action: str, target: str = "", **details: Any) -> None:
    tasks.after_commit("webhooks.pump")
    audit.record(
        action,
        workspace_id=endpoint.workspace_id,
        tenant_id=endpoint.tenant_id,
        target=target or str(endpoint.id),
        **details,
    )
