"""`manage.py rebuild_counters`: have the usage counters in Redis counted anew from Postgres."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.metering import stream
from tenlyr.core import redis


class Command(BaseCommand):
    help = "Have the consumer rebuild all usage counters; tracking answers 503 until then."

    def handle(self, *args: Any, **options: Any) -> None:
        stream.distrust(range(redis.SHARDS))
        self.stdout.write(f"{redis.SHARDS} shards are being rebuilt by the consumer.")
