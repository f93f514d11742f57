"""Background work of health: thin, idempotent (R8)."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import transaction

from apps.health import hours, looking, notifying, partitions, patrolling, scanning
from tenlyr.core import clock, jobs


@shared_task(name="health.scan")
def scan() -> None:
    """Look at the last minutes of the whole fleet, unless this period's look was done (F8)."""
    scanning.scan_if_due()


@shared_task(name="health.roll_up")
def roll_up() -> None:
    """Write the hours that are over to the history."""
    hours.roll_up_if_due()


@shared_task(name="health.drop_expired")
def drop_expired() -> int:
    """Drop what retention no longer covers of the history; answers how many months."""
    return partitions.drop_expired(looking.present())


@shared_task(name="health.patrol")
def patrol() -> int:
    """The alert worker's round: what should be open is (F9)."""
    with transaction.atomic():
        if not jobs.once_per("health.patrol", timedelta(seconds=settings.ALERT_PERIOD_S)):
            return 0
    return patrolling.patrol()


@shared_task(name="health.notify")
def notify() -> int:
    """Tell channels of alerts; also the sweep, for what waits and what a crash left."""
    return notifying.notify()


@shared_task(name="health.forget_messages")
def forget_messages() -> int:
    """Delete what channels were told a month ago."""
    return notifying.forget_old(clock.now())
