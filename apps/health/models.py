"""How each tenant is, how it was, and how far the worker came; alerts and who is told of them."""

from django.db import models
from django.db.models import Q

from apps.health.statuses import Status
from tenlyr.core import clock, ids

STATUSES = [(status.value, status.value) for status in Status]
LONGEST_TYPE, LONGEST_TITLE, LONGEST_MESSAGE = 64, 200, 2_000
LONGEST_TARGET, LONGEST_ERROR = 2_048, 300


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


# ---- Alerts, and where they are told


class Severity(models.TextChoices):
    """How bad it is, in rising order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertStatus(models.TextChoices):
    """Whether somebody still has to look."""

    OPEN = "open"
    RESOLVED = "resolved"


class Alert(models.Model):
    """Something to look at: of a tenant, or of the workspace where `tenant_id` is null (B25, X29).

    At most one of a type is open for a tenant: what happens again raises `count` and `last_at`.
    `resolved_by` is the kind of who resolved it, `system` where what raised it is over.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    workspace_id = models.UUIDField()
    tenant_id = models.UUIDField(null=True)
    type = models.CharField(max_length=LONGEST_TYPE)
    severity = models.CharField(max_length=16, choices=Severity)
    title = models.CharField(max_length=LONGEST_TITLE)
    message = models.CharField(max_length=LONGEST_MESSAGE)
    metadata = models.JSONField(default=dict)
    count = models.PositiveBigIntegerField(default=1)
    status = models.CharField(max_length=16, choices=AlertStatus, default=AlertStatus.OPEN)
    created_at = models.DateTimeField()
    last_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=32, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "tenant_id", "type"],
                condition=Q(status=AlertStatus.OPEN),
                nulls_distinct=False,
                name="one_open_alert_per_type",
            )
        ]
        indexes = [
            models.Index(fields=["workspace_id", "-created_at", "-id"], name="alerts_newest"),
            models.Index(fields=["tenant_id", "-created_at", "-id"], name="alerts_of_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.type}: {self.title}"


class ChannelKind(models.TextChoices):
    """By what a channel tells."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    SLACK = "slack"


class Channel(models.Model):
    """Where a workspace hears of its alerts, those of `min_severity` and above.

    `sealed` holds target and signing secret, for the address of a chat is a secret itself; `shown`
    is what people tell channels apart by. Until `quiet_until` whatever comes waits for one message.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    workspace_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=ChannelKind)
    shown = models.CharField(max_length=LONGEST_TARGET)
    sealed = models.BinaryField()
    min_severity = models.CharField(max_length=16, choices=Severity, default=Severity.WARNING)
    is_enabled = models.BooleanField(default=True)
    quiet_until = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=LONGEST_ERROR, null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-created_at", "-id"], name="channels_newest")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.shown}"


class MessageStatus(models.TextChoices):
    """`cancelled`: there was nothing left to tell, or the channel was switched off."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Message(models.Model):
    """What is sent to a channel at once: the notices of about a minute, or a test.

    `lease_until` is set while a worker sends; one that passed without an outcome is a worker that
    died, and counts as an interruption.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages")
    is_test = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=MessageStatus, default=MessageStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    interruptions = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=LONGEST_ERROR, null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(status=MessageStatus.PENDING), name="messages_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Notice(models.Model):
    """That a channel is told of an alert: once per opening, per rise of its severity, and per
    `round` of telling again. It waits until it has a message.
    """

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    severity = models.CharField(max_length=16, choices=Severity)
    round = models.PositiveIntegerField(default=0)
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, related_name="notices"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "channel", "severity", "round"], name="one_notice_for_one_thing"
            )
        ]
        indexes = [
            models.Index(
                fields=["channel", "id"], condition=Q(message=None), name="notices_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} to {self.channel_id}"
