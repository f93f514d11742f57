"""Background work of health: thin, idempotent (R8)."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import transaction

from apps.health import notifying, patrolling
from tenlyr.core import clock, jobs


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
