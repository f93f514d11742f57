"""Background work of the webhooks: thin, idempotent (R8)."""

import mmap

from celery import shared_task
from celery.signals import worker_shutting_down

from apps.webhooks import cancelling, outbox, partitions, pumping

# One byte that a worker's main process shares with its children: a pump ends early when it is set.
_stopping = mmap.mmap(-1, 1)


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    _stopping[0] = 1


@shared_task(name="webhooks.pump")
def pump() -> int:
    """Send what is due; also the sweep, for what a crash or an absent broker left."""
    return pumping.pump(should_stop=lambda: bool(_stopping[0]))


@shared_task(name="webhooks.cancel")
def cancel() -> int:
    """End the deliveries of endpoints that are gone or disabled."""
    return cancelling.sweep()


@shared_task(name="webhooks.ensure_partitions")
def ensure_partitions() -> int:
    """Make the log's months ahead of time."""
    return partitions.ensure()


@shared_task(name="webhooks.drop_expired")
def drop_expired() -> int:
    """Drop the log's months past their retention, and then their events."""
    return partitions.drop_expired() + outbox.drop_expired()
