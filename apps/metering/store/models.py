"""Tenant-owned: the events and their rollups, in every Location's schema. Rows are written by
SQL.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Event(models.Model):
    """A usage event (A17). `delta` is the change it made to its counter, 0 when not billable.

    Partitioned by month of `ts`. The key holds `ts` because a partitioned table's must; that
    an id is there only once is seen to by the store, under the lock of the tenant's shard.
    """

    pk = models.CompositePrimaryKey("tenant_id", "id", "ts")
    tenant_id = models.UUIDField()
    id = models.UUIDField()
    ts = models.DateTimeField()
    metric = models.CharField(max_length=32)
    value = models.DecimalField(max_digits=20, decimal_places=6)
    delta = models.DecimalField(max_digits=22, decimal_places=6)
    mode = models.CharField(max_length=16, null=True)
    endpoint = models.CharField(max_length=255, null=True)
    status_code = models.SmallIntegerField(null=True)
    success = models.BooleanField(null=True)
    latency_ms = models.FloatField(null=True)
    billable = models.BooleanField()

    class Meta:
        db_table = "usage_event"
        indexes = [models.Index(fields=["tenant_id", "-ts", "-id"], name="usage_event_newest")]

    def __str__(self) -> str:
        return f"{self.metric} {self.value} at {self.ts}"


class Minute(models.Model):
    """A minute of one metric: what health looks at (X5). Partitioned by month.

    `known` counts events that say whether they failed; `latencies` counts by the bounds of
    `inserting.LATENCY_BOUNDS_MS`, the last place for those above all. Fleet-wide reads of the
    newest minutes have an index of their own.
    """

    pk = models.CompositePrimaryKey("tenant_id", "metric", "minute")
    tenant_id = models.UUIDField()
    metric = models.CharField(max_length=32)
    minute = models.DateTimeField()
    count = models.BigIntegerField()
    errors = models.BigIntegerField()
    known = models.BigIntegerField()
    value = models.DecimalField(max_digits=30, decimal_places=6)
    latency_count = models.BigIntegerField()
    latency_sum_ms = models.FloatField()
    latencies = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        db_table = "usage_minute"
        indexes = [models.Index(fields=["minute"], name="usage_minute_recent")]

    def __str__(self) -> str:
        return f"{self.metric} {self.minute}: {self.count}"


class Rollup(models.Model):
    """An hour, day or month of one metric (A16). `value` is the billable change; months stay
    for ever.

    A gauge's level is the sum of all its months.
    """

    pk = models.CompositePrimaryKey("tenant_id", "grain", "metric", "start")
    tenant_id = models.UUIDField()
    grain = models.CharField(max_length=8)
    metric = models.CharField(max_length=32)
    start = models.DateTimeField()
    count = models.BigIntegerField()
    errors = models.BigIntegerField()
    value = models.DecimalField(max_digits=30, decimal_places=6)

    class Meta:
        db_table = "usage_rollup"
        indexes = [
            models.Index(
                fields=["start"], condition=models.Q(grain="month"), name="usage_rollup_months"
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.grain} {self.start}: {self.value}"
