"""An operator's releases of DDL, the schemas that have them, and the logins of its tenants."""

from django.db import models

from apps.workspaces.public import Workspace
from tenlyr.core import clock
from tenlyr.core.ids import uuid7


class Plane(models.Model):
    """A workspace that has tables of its own. `version` is what every schema of it should have."""

    workspace = models.OneToOneField(
        Workspace, primary_key=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.workspace_id} at {self.version}"


class Release(models.Model):
    """One version of a workspace's DDL, checked and never changed. `tables` are all that are there
    once it is applied, each with its key.
    """

    class Status(models.TextChoices):
        """`published` is checked and waits; the others tell of its way to every schema."""

        PUBLISHED = "published"
        ROLLING = "rolling"
        PAUSED = "paused"
        FAILED = "failed"
        DONE = "done"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    version = models.IntegerField()
    statements = models.JSONField()
    checksum = models.CharField(max_length=64)
    tables = models.JSONField(default=list)
    status = models.CharField(max_length=16, choices=Status, default=Status.PUBLISHED)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "version"], name="dataplane_one_release_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} v{self.version}"


class SchemaState(models.Model):
    """A schema with an operator's tables, and which release it has as far as is known here.

    The schema's own database knows it for sure: it is written there with the DDL.
    """

    class State(models.TextChoices):
        """`failed` says why in `error`; a later try may mend it."""

        READY = "ready"
        FAILED = "failed"

    schema = models.CharField(max_length=63, primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(
        "isolation.Location", null=True, on_delete=models.CASCADE, related_name="+"
    )
    version = models.IntegerField(default=0)
    # What a database of the tenant's own was told last: may the tenant come in? Null: nobody knows.
    is_open = models.BooleanField(null=True)
    # When the sweep last tried to tell it, while it has not heard.
    tell_tried_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=16, choices=State, default=State.READY)
    error = models.TextField(blank=True, default="")
    # Which wave of the roll-out at hand takes it, and how often that began it and saw no end.
    wave = models.SmallIntegerField(null=True)
    tries = models.SmallIntegerField(default=0)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["workspace", "version"], name="dataplane_schema_version")]

    def __str__(self) -> str:
        return f"{self.schema} at {self.version}"


class Rollout(models.Model):
    """The way of a version to every schema of its workspace, wave by wave. `total` were behind when
    it began; more than `failure_budget` refusals stop it.
    """

    class Status(models.TextChoices):
        """`paused` and `failed` go on when they are told to."""

        ROLLING = "rolling"
        PAUSED = "paused"
        FAILED = "failed"
        DONE = "done"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status, default=Status.ROLLING)
    waves = models.SmallIntegerField(default=0)
    wave = models.SmallIntegerField(default=0)
    total = models.IntegerField(default=0)
    parallel = models.SmallIntegerField(default=4)
    failure_budget = models.IntegerField(default=0)
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(status__in=["rolling", "paused", "failed"]),
                name="dataplane_one_rollout",
            )
        ]

    def __str__(self) -> str:
        return f"{self.release_id} {self.status}"


class Login(models.Model):
    """A tenant's credential: a role and its verifier (sealed), never a password.

    `aliases` are the databases that know it: after a move the old one does, until it is purged.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    tenant_id = models.UUIDField()
    role = models.CharField(max_length=63, unique=True)
    verifier = models.BinaryField()
    aliases = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # When the sweep last tried to remove its role.
    tried_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["tenant_id", "created_at"], name="dataplane_login_tenant"),
            models.Index(
                fields=["expires_at"],
                name="dataplane_login_expires",
                condition=models.Q(revoked_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.tenant_id}"
