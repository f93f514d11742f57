"""`manage.py consume`: store accepted events until told to stop."""

import signal
from typing import Any

import structlog
from django.core.management.base import BaseCommand

from apps.metering.consumer import Consumer

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Move accepted usage events from Redis to Postgres. Any number of consumers may run."

    def handle(self, *args: Any, **options: Any) -> None:
        consumer = Consumer()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: consumer.stop.set())
        log.info("metering.consumer_started", name=consumer.leases.name)
        consumer.run()
        log.info("metering.consumer_stopped", name=consumer.leases.name)
