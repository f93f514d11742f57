"""Celery: the app, and every schedule of Tenlyr in one place."""

import os

from celery import Celery
from celery.schedules import crontab
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenlyr.settings")

app = Celery("tenlyr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["tenlyr.core"], related_name="background")

# Every task here is idempotent: two beats, or a missed tick, change nothing (R8).
app.conf.beat_schedule = {
    "isolation.refill": {"task": "isolation.refill", "schedule": 30.0},
    "isolation.retire_databases": {"task": "isolation.retire_databases", "schedule": 600.0},
    "isolation.upgrade_databases": {"task": "isolation.upgrade_databases", "schedule": 60.0},
    "isolation.resume_moves": {"task": "isolation.resume_moves", "schedule": 15.0},
    "isolation.purge_moved": {"task": "isolation.purge_moved", "schedule": 600.0},
    "tenants.flush_last_active": {"task": "tenants.flush_last_active", "schedule": 60.0},
    "tenants.sweep_deleted": {"task": "tenants.sweep_deleted", "schedule": 60.0},
    "metering.ensure_partitions": {
        "task": "metering.ensure_partitions",
        "schedule": crontab(minute=17),
    },
    "metering.drop_expired": {
        "task": "metering.drop_expired",
        "schedule": crontab(minute=47, hour=3),
    },
    # Asked for more often than done: a period that a worker lost is made good within itself.
    "health.scan": {"task": "health.scan", "schedule": max(1.0, settings.HEALTH_PERIOD_S / 4)},
    "health.roll_up": {"task": "health.roll_up", "schedule": 60.0},
    "health.drop_expired": {
        "task": "health.drop_expired",
        "schedule": crontab(minute=53, hour=3),
    },
    "dataplane.sweep_logins": {"task": "dataplane.sweep_logins", "schedule": 60.0},
    "dataplane.block_all": {"task": "dataplane.block_all", "schedule": 60.0},
    "dataplane.resume_rollouts": {"task": "dataplane.resume_rollouts", "schedule": 30.0},
    "health.notify": {"task": "health.notify", "schedule": 15.0},
    # More often than its period, of which it does the work once.
    "health.patrol": {"task": "health.patrol", "schedule": max(1.0, settings.ALERT_PERIOD_S / 5)},
    "health.forget_messages": {
        "task": "health.forget_messages",
        "schedule": crontab(minute=37, hour=3),
    },
    # Every 5 s whatever happens: when nobody takes it, the next one does.
    "webhooks.pump": {"task": "webhooks.pump", "schedule": 5.0, "options": {"expires": 10}},
    "webhooks.cancel": {"task": "webhooks.cancel", "schedule": 60.0},
    "webhooks.ensure_partitions": {
        "task": "webhooks.ensure_partitions",
        "schedule": crontab(minute=27),
    },
    "webhooks.drop_expired": {
        "task": "webhooks.drop_expired",
        "schedule": crontab(minute=7, hour=4),
    },
    "prover.nightly": {"task": "prover.nightly", "schedule": crontab(minute=23, hour=2)},
    "prover.prove": {"task": "prover.prove", "schedule": 60.0},
    "core.forget_idempotency": {"task": "core.forget_idempotency", "schedule": 60.0},
}
