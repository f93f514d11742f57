"""Deliveries whose endpoint is gone or disabled end; the events can be replayed (E9)."""

from apps.webhooks import queueing, statements
from apps.webhooks.models import Delivery, Endpoint
from tenlyr.core import clock

CHUNK = 1_000
CANCEL = """
UPDATE webhooks_delivery SET status = 'cancelled', next_at = NULL, finished_at = %(now)s
WHERE status = 'pending' AND id IN (
    SELECT id FROM webhooks_delivery WHERE endpoint_id = %(endpoint)s AND status = 'pending'
    LIMIT %(most)s)
"""


def sweep() -> int:
    """Cancel all that waits for nobody; answers how many deliveries."""
    waiting = set(queueing.waiting())
    alive = Endpoint.objects.filter(id__in=waiting).exclude(status=Endpoint.Status.DISABLED)
    cancelled = 0
    for endpoint_id in waiting - set(alive.values_list("id", flat=True)):
        while Delivery.objects.filter(endpoint_id=endpoint_id, status="pending").exists():
            given = {"now": clock.now(), "endpoint": endpoint_id, "most": CHUNK}
            cancelled += statements.run(CANCEL, given)
    return cancelled
