"""How each tenant is, how it was, and how far the worker came."""

from django.db import models

from apps.health.statuses import Status

STATUSES = [(status.value, status.value) for status in Status]


class Current(models.Model):
    """A tenant at the last scan; one that was never seen has no row and is `unknown`.

    `error_rate` is in percent with one decimal, null when no event said whether it failed;
    `request_rate` is in requests a minute. `is_alarmed` is set from `health.critical` until
    `health.recovered`, so that the two always take turns; `is_noisy` likewise for noise.
    """

    tenant_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField(db_index=True)
    status = models.CharField(max_length=16, choices=STATUSES, default=Status.UNKNOWN)
    since = models.DateTimeField()
    error_rate = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    request_rate = models.FloatField(null=True)
    p50_ms = models.FloatField(null=True)
    p95_ms = models.FloatField(null=True)
    is_alarmed = models.BooleanField(default=False)
    is_noisy = models.BooleanField(default=False)

    class Meta:
        db_table = "health_current"

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.status} since {self.since}"


class History(models.Model):
    """A change of status, or an hour with events (A29). Partitioned by month of `at`.

    A change has the numbers that caused it. An hour has `at` at its beginning, the worst status
    that the tenant had in it, and the numbers of all its events; `events` counts all, of which
    `requests` are calls of its API.
    """

    class Kind(models.TextChoices):
        """What the row tells."""

        CHANGE = "change"
        HOUR = "hour"

    pk = models.CompositePrimaryKey("tenant_id", "at", "kind")
    tenant_id = models.UUIDField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=Kind)
    workspace_id = models.UUIDField()
    status = models.CharField(max_length=16, choices=STATUSES)
    error_rate = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    request_rate = models.FloatField(null=True)
    events = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)
    p50_ms = models.FloatField(null=True)
    p95_ms = models.FloatField(null=True)

    class Meta:
        db_table = "health_history"

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.kind} {self.status} at {self.at}"


class Progress(models.Model):
    """How far the worker came with one database: its last scan, its last hour in the history.

    `away_since` is set while it does not answer; its tenants are `unknown` for as long.
    """

    database = models.CharField(max_length=63, primary_key=True)
    scanned_at = models.DateTimeField(null=True)
    rolled_up_to = models.DateTimeField(null=True)
    away_since = models.DateTimeField(null=True)

    class Meta:
        db_table = "health_progress"

    def __str__(self) -> str:
        return f"{self.database} scanned at {self.scanned_at}"
