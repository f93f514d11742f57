"""Celery: the app, and every schedule of Tenlyr in one place."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenlyr.settings")

app = Celery("tenlyr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["tenlyr.core"], related_name="background")

# How long a message waits for a worker: by the clock's hour, else about as long as the next one
# takes to come.
BY_CLOCK_EXPIRES_S = 3_600
LEAST_EXPIRES_S = 10

# Every task here is idempotent: two beats, or a missed tick, change nothing (R8).
SCHEDULE: dict[str, float | crontab] = {
    "isolation.refill": 30.0,
    "isolation.retire_databases": 600.0,
    "isolation.upgrade_databases": 60.0,
    "isolation.resume_moves": 15.0,
    "isolation.purge_moved": 600.0,
    "tenants.flush_last_active": 60.0,
    "tenants.sweep_deleted": 60.0,
    "metering.ensure_partitions": crontab(minute=17),
    "metering.drop_expired": crontab(minute=47, hour=3),
    # Asked for more often than done: a period that a worker lost is made good within itself.
    "health.scan": max(1.0, settings.HEALTH_PERIOD_S / 4),
    "health.roll_up": 60.0,
    "health.drop_expired": crontab(minute=53, hour=3),
    "dataplane.sweep_logins": 60.0,
    "dataplane.block_all": 60.0,
    "dataplane.resume_rollouts": 30.0,
    "health.notify": 15.0,
    # More often than its period, of which it does the work once.
    "health.patrol": max(1.0, settings.ALERT_PERIOD_S / 5),
    "health.forget_messages": crontab(minute=37, hour=3),
    # Every 5 s whatever happens: when nobody takes it, the next one does.
    "webhooks.pump": 5.0,
    "webhooks.cancel": 60.0,
    "webhooks.ensure_partitions": crontab(minute=27),
    "webhooks.drop_expired": crontab(minute=7, hour=4),
    "prover.nightly": crontab(minute=23, hour=2),
    "prover.prove": 60.0,
    "core.forget_idempotency": 60.0,
}


def _entry(task: str, schedule: float | crontab) -> dict[str, Any]:
    """What beat is told of a task: a message that nobody took until the next one comes is dropped,
    so that none pile up while workers are away.
    """
    if isinstance(schedule, crontab):
        expires_s = BY_CLOCK_EXPIRES_S
    else:
        expires_s = max(LEAST_EXPIRES_S, round(schedule))
    # The name that the scheduler in the database has for it; it takes no notice of `expires`.
    return {"task": task, "schedule": schedule, "options": {"expire_seconds": expires_s}}


app.conf.beat_schedule = {task: _entry(task, when) for task, when in SCHEDULE.items()}
