"""The outbox, the endpoints that hear of it, and the log of what was sent where.

An event is written in the transaction of its cause; deliveries are made from it afterwards.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value

from tenlyr.core import clock
from tenlyr.core.ids import uuid7


def _next(sequence: str) -> Func:
    """The next number of a sequence, given by the database."""
    return Func(Value(sequence), function="nextval", output_field=models.BigIntegerField())


class OutboxEvent(models.Model):
    """One event in its envelope (E5); `data` is in the wire's casing.

    `seq` is the order of events: of one tenant's, that of the commits. Until `is_fanned_out` the
    event has no deliveries yet.
    """

    id = models.CharField(primary_key=True, max_length=30)
    # One of `EventType`: the enum is the list, and a new event needs no migration.
    type = models.CharField(max_length=64)
    workspace_id = models.UUIDField()
    tenant_id = models.UUIDField(null=True)
    data = models.JSONField()
    created_at = models.DateTimeField()
    seq = models.BigIntegerField(db_default=_next("webhooks_outbox_seq"), editable=False)
    is_fanned_out = models.BooleanField(default=False)
    # The endpoints of tenants never hear of it.
    is_for_operators = models.BooleanField(db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "created_at"], name="outbox_by_workspace"),
            models.Index(fields=["tenant_id", "created_at"], name="outbox_by_tenant"),
            models.Index(
                fields=["seq"], condition=Q(is_fanned_out=False), name="outbox_to_fan_out"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Endpoint(models.Model):
    """A receiver of a workspace's events, or of one tenant's where `tenant_id` is set (E9).

    `failing_since` is the first failure with no success since; `warned` the last warning about it,
    in per cent of the time after which it is disabled. Secrets are sealed.
    """

    class Status(models.TextChoices):
        """`paused` keeps what comes until it is enabled; `disabled` hears nothing."""

        ENABLED = "enabled"
        PAUSED = "paused"
        DISABLED = "disabled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace_id = models.UUIDField()
    tenant_id = models.UUIDField(null=True)
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=200, blank=True, default="")
    # Names of events, or `*` alone for all of them.
    events = ArrayField(models.CharField(max_length=64))
    is_ordered = models.BooleanField(default=False)
    secret = models.BinaryField()
    previous_secret = models.BinaryField(null=True)
    previous_until = models.DateTimeField(null=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ENABLED)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    failing_since = models.DateTimeField(null=True)
    warned = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "id"], name="webhooks_endpoint_workspace"),
            models.Index(
                fields=["tenant_id"],
                condition=Q(tenant_id__isnull=False),
                name="webhooks_endpoint_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.url} ({self.status})"


class Delivery(models.Model):
    """One event on its way to one endpoint. Partitioned by month of `event_at`.

    `replay` is 0 for the first time; each replay and test has a number of its own. `attempts` were
    begun, `failures` ended and failed: what was begun and never ended was cut off and is sent
    again. `turn` is the place in the queue, and `lane` whose queue it is where order is kept: the
    tenant's, or the workspace's for an event that names no tenant.
    """

    class Status(models.TextChoices):
        """`failed` was tried for 72 hours (X35); `cancelled` lost its endpoint or its event."""

        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"
        CANCELLED = "cancelled"

    # In the database the key is (id, event_at), as a partitioned table's must be.
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_id = models.CharField(max_length=30)
    event_at = models.DateTimeField()
    endpoint_id = models.UUIDField()
    workspace_id = models.UUIDField()
    tenant_id = models.UUIDField(null=True)
    lane = models.UUIDField()
    type = models.CharField(max_length=64)
    replay = models.BigIntegerField(default=0)
    is_test = models.BooleanField(default=False)
    turn = models.BigIntegerField(db_default=_next("webhooks_turn"), editable=False)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    first_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "endpoint_id", "replay", "event_at"],
                name="webhooks_delivery_once",
            )
        ]
        indexes = [
            models.Index(F("workspace_id"), F("id").desc(), name="webhooks_delivery_workspace"),
            models.Index(F("endpoint_id"), F("id").desc(), name="webhooks_delivery_endpoint"),
            models.Index(
                F("tenant_id"),
                F("id").desc(),
                condition=Q(tenant_id__isnull=False),
                name="webhooks_delivery_tenant",
            ),
            models.Index(
                fields=["endpoint_id", "next_at"],
                condition=Q(status="pending"),
                name="webhooks_delivery_due",
            ),
            models.Index(
                fields=["endpoint_id", "lane", "turn"],
                condition=Q(status="pending"),
                name="webhooks_delivery_lanes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} to {self.endpoint_id}: {self.status}"


class Attempt(models.Model):
    """One POST, written down before it is sent. Partitioned by month of `at`.

    Without an `outcome` it is under way; `interrupted` was cut off with its process. `response` is
    the beginning of what was answered, as text; of signatures in `headers` only the beginning.
    """

    # In the database the key is (id, at).
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=24, null=True)
    status = models.PositiveSmallIntegerField(null=True)
    latency_ms = models.FloatField(null=True)
    reason = models.CharField(max_length=200, default="")
    headers = models.JSONField(default=dict)
    response = models.CharField(max_length=1024, default="")

    class Meta:
        indexes = [models.Index(fields=["delivery_id", "number"], name="webhooks_attempt_delivery")]

    def __str__(self) -> str:
        return f"#{self.number} of {self.delivery_id}: {self.outcome or 'under way'}"


class Seat(models.Model):
    """Who sends just now: a pump holds a seat, and serves every endpoint that falls to it.

    What a process that lost its seat would still write is refused by `holder`.
    """

    number = models.PositiveSmallIntegerField(primary_key=True)
    holder = models.UUIDField(null=True)
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"seat {self.number}: {self.holder}"
