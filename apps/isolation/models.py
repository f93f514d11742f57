"""Servers, Databases, Locations (a schema in a database), Placements (which Location a tenant's
rows are in) and Moves between them.
"""

from django.db import models
from django.db.models.functions import Now
from django_tenants.models import TenantMixin

from apps.isolation.levels import Level
from tenlyr.core.ids import uuid7


class Driver(models.TextChoices):
    """What gives a tenant a database of its own; each word is what was really given (A19)."""

    DATABASE = "database"
    SERVER_POOL = "server_pool"
    INSTANCE = "instance"
    HOOK = "hook"


class Server(models.Model):
    """A Postgres server on which databases for tenants may be made.

    `dsn` is sealed (`databases.dsns`): the address of a role with CREATEROLE and CREATEDB there.
    """

    name = models.SlugField(max_length=63, unique=True)
    driver = models.CharField(
        max_length=16,
        choices=[(one.value, one.label) for one in (Driver.DATABASE, Driver.SERVER_POOL)],
        default=Driver.DATABASE,
    )
    dsn = models.BinaryField()
    pool_url = models.CharField(max_length=500, blank=True, default="")
    max_databases = models.PositiveIntegerField(default=100)
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Database(models.Model):
    """A database beside the control plane's. `dsn` is sealed, and null until a driver has made it:
    the address of the deploy role in this very database.
    """

    class State(models.TextChoices):
        """`wanted` is being made, `failed` says why in `error`, `retired` is gone or is to go."""

        WANTED = "wanted"
        READY = "ready"
        FAILED = "failed"
        RETIRED = "retired"

    alias = models.CharField(max_length=15, primary_key=True)
    driver = models.CharField(max_length=16, choices=Driver)
    server = models.ForeignKey(
        Server, null=True, blank=True, on_delete=models.PROTECT, related_name="databases"
    )
    dsn = models.BinaryField(null=True)
    pool_url = models.CharField(max_length=500, blank=True, default="")
    provided = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=16, choices=State, default=State.WANTED)
    detail = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["state"], name="isolation_database_state")]

    def __str__(self) -> str:
        return self.alias


class Location(TenantMixin):
    """A schema in a database. The shared one holds many tenants, a dedicated one holds one.

    This, not the customer, is what django-tenants calls a tenant (ADR-0002).
    """

    class State(models.TextChoices):
        """`warm` is built and waits for its tenant; `retired` waits to be dropped."""

        SHARED = "shared"
        WARM = "warm"
        CLAIMED = "claimed"
        RETIRED = "retired"

    auto_create_schema = False
    auto_drop_schema = False

    alias = models.CharField(max_length=63, default="default")
    # The schema of the operator's own tables beside it; empty while there is none.
    data_schema = models.CharField(max_length=63, blank=True, default="")
    state = models.CharField(max_length=16, choices=State)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["state", "id"], name="isolation_location_state")]

    def __str__(self) -> str:
        return f"{self.alias}/{self.schema_name}"


class Placement(models.Model):
    """Where one tenant's rows are. `epoch` rises with each move, so that a stale writer is
    known.
    """

    tenant_id = models.UUIDField(primary_key=True)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="placements")
    level = models.CharField(max_length=24, choices=[(level, level) for level in Level])
    epoch = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.tenant_id} at {self.location_id}"


class Move(models.Model):
    """One journey of a tenant from one level to another; on the wire an IsolationMigration.

    `step` is the last one that finished. The row alone decides what a resumed move does next.
    """

    class Status(models.TextChoices):
        """The wire's words (B18); while `pending` or `in_progress` there is no second one."""

        PENDING = "pending"
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"
        FAILED = "failed"
        ROLLED_BACK = "rolled_back"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    workspace_id = models.UUIDField()
    from_level = models.CharField(max_length=24, choices=[(level, level) for level in Level])
    to_level = models.CharField(max_length=24, choices=[(level, level) for level in Level])
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    step = models.CharField(max_length=32, blank=True, default="")
    source = models.ForeignKey(
        Location, null=True, on_delete=models.SET_NULL, related_name="moves_away"
    )
    target = models.ForeignKey(
        Location, null=True, on_delete=models.SET_NULL, related_name="moves_here"
    )
    driver = models.CharField(max_length=16, blank=True, default="", choices=Driver)
    rows_total = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    rows_per_s = models.FloatField(default=0)
    error = models.TextField(blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)
    is_rollback = models.BooleanField(default=False)
    undoes = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="undone_by"
    )
    started_at = models.DateTimeField(null=True)
    flipped_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    purge_after = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant_id", "id"], name="isolation_move_tenant"),
            models.Index(fields=["workspace_id", "id"], name="isolation_move_workspace"),
            models.Index(fields=["status", "id"], name="isolation_move_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=models.Q(status__in=["pending", "in_progress"]),
                name="isolation_one_move_per_tenant",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.from_level} to {self.to_level}: {self.status}"
