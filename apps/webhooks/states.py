"""How endpoints fare: failures since when, warnings, and the end of trying (X35).

An endpoint that fails for 5 days without one success is disabled; at 50, 70 and 90 % of that time
its operator is warned. 410 disables at once (T45).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from apps.webhooks import endpoints
from apps.webhooks.models import Endpoint
from tenlyr.core import audit, clock, events
from tenlyr.core.egress.replies import Outcome
from tenlyr.core.events import EventType

log = structlog.get_logger(__name__)

MOST = timedelta(days=5)
WARNINGS = (90, 70, 50)
GONE = "It answered 410: gone."
FAILED = "It failed for 5 days."


def learn(verdicts: Sequence[tuple[UUID, Outcome]], now: datetime) -> None:
    """Take replies in, in the transaction at hand: a success forgets the failures before it."""
    well = {one for one, outcome in verdicts if outcome is Outcome.ACCEPTED}
    gone = {one for one, outcome in verdicts if outcome is Outcome.GONE}
    failed = {one for one, _ in verdicts} - well - gone
    if well:
        failing = Endpoint.objects.filter(id__in=well, failing_since__isnull=False)
        failing.update(failing_since=None, warned=0)
    if failed:
        Endpoint.objects.filter(id__in=failed, failing_since=None).update(failing_since=now)
    due = Endpoint.objects.filter(id__in=failed, failing_since__lte=now - MOST * WARNINGS[-1] / 100)
    late = {endpoint.id for endpoint in due if _percent(endpoint, now) > endpoint.warned}
    if late or gone:
        # In one order, so that two pumps never wait for each other.
        for endpoint in (
            Endpoint.objects.select_for_update().filter(id__in=late | gone).order_by("id")
        ):
            _act(endpoint, now, is_gone=endpoint.id in gone)


def _act(endpoint: Endpoint, now: datetime, *, is_gone: bool) -> None:
    percent = _percent(endpoint, now)
    if is_gone or percent >= 100:
        reason = GONE if is_gone else FAILED
        if endpoints.disable(endpoint, reason):
            tell(endpoint, EventType.ENDPOINT_DISABLED, reason=reason)
    elif percent > endpoint.warned and endpoint.failing_since is not None:
        endpoint.warned = percent
        endpoint.save(update_fields=["warned"])
        tell(
            endpoint,
            EventType.ENDPOINT_FAILING,
            percent=percent,
            failingSince=clock.iso(endpoint.failing_since),
            disabledAt=clock.iso(endpoint.failing_since + MOST),
        )
        _warn(endpoint, percent)


def _percent(endpoint: Endpoint, now: datetime) -> int:
    """How much of its time is over, in steps: 0, 50, 70, 90 or 100."""
    if endpoint.failing_since is None:
        return 0
    share = (now - endpoint.failing_since) / MOST * 100
    return next((step for step in (100, *WARNINGS) if share >= step), 0)


def tell(endpoint: Endpoint, kind: EventType, **more: Any) -> None:
    """Emit an event about an endpoint, of its tenant where it is one's own."""
    events.emit(
        kind,
        workspace_id=endpoint.workspace_id,
        tenant_id=endpoint.tenant_id,
        data={**endpoints.about(endpoint), **more},
    )


def _warn(endpoint: Endpoint, percent: int) -> None:
    log.warning("webhook.endpoint_failing", endpoint=str(endpoint.id), percent=percent)
    audit.record(
        "webhook.endpoint_failing",
        workspace_id=endpoint.workspace_id,
        tenant_id=endpoint.tenant_id,
        target=str(endpoint.id),
        percent=percent,
    )
