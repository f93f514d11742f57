"""From the outbox to deliveries: each event once for every endpoint that wants it (R9).

Tenants are not looked at: what happened to one that is deleted by now is told all the same.
"""

from django.db import IntegrityError, transaction
from psycopg.errors import CheckViolation

from apps.webhooks import partitions, statements
from apps.webhooks.models import OutboxEvent

# One at a time, so that turns are given in the order of events.
LOCK = 7_362_017
MOST = 200


def fan_out(most: int = MOST) -> tuple[int, int]:
    """Make deliveries of the oldest events that have none; answers how many events and deliveries.

    (0, 0) when there are none, or when another process is at it.
    """
    try:
        return _fan_out(most)
    except IntegrityError as error:
        # An event of a month that the log has no table for; it is made, and then there is room.
        if not isinstance(error.__cause__, CheckViolation):
            raise
    waiting = OutboxEvent.objects.filter(is_fanned_out=False).order_by("seq")
    partitions.ensure_for_events(waiting.values_list("created_at", flat=True)[:most])
    return _fan_out(most)


def _fan_out(most: int) -> tuple[int, int]:
    with transaction.atomic():
        [(is_ours,)] = statements.rows("SELECT pg_try_advisory_xact_lock(%(lock)s)", {"lock": LOCK})
        if not is_ours:
            return 0, 0
        [(events, deliveries)] = statements.rows(statements.text_of("fan_out"), {"most": most})
    return events, deliveries
