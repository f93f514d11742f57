"""Proofs, which nobody can change once they are finished, and the decoys that are out just now."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenlyr.core import clock, ids


class Status(models.TextChoices):
    """`incomplete`: nothing got through, but not everything could be tried. `broken`: no result."""

    PENDING = "pending"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    BROKEN = "broken"


class Cause(models.TextChoices):
    """Why a proof was made."""

    NIGHTLY = "nightly"
    API = "api"
    COMMAND = "command"
    MOVE = "move"


UNFINISHED = (Status.PENDING, Status.RUNNING)


class Proof(models.Model):
    """One attack on the installation, as far as it concerns one workspace, and its signed report.

    `focus` names Locations that must be among those attacked. The row is final once `finished_at`
    is set: the database refuses every later change, and every deletion.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    workspace_id = models.UUIDField()
    cause = models.CharField(max_length=16, choices=Cause)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    focus = ArrayField(models.BigIntegerField(), default=list)
    tries = models.PositiveSmallIntegerField(default=0)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    report = models.JSONField(null=True)
    digest = models.CharField(max_length=64, default="")
    signature = models.CharField(max_length=88, default="")
    public_key = models.CharField(max_length=44, default="")
    attacks = models.PositiveIntegerField(default=0)
    breaches = models.PositiveIntegerField(default=0)
    unproven = models.PositiveIntegerField(default=0)
    defects = models.PositiveIntegerField(default=0)
    error = models.TextField(default="")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-created_at", "-id"], name="prover_newest"),
            models.Index(
                fields=["created_at"],
                condition=Q(finished_at=None),
                name="prover_unfinished",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id"],
                condition=Q(cause=Cause.API, finished_at=None),
                name="one_proof_asked_for",
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Decoy(models.Model):
    """A pair of decoy tenants at one Location, written down before their first row is.

    What a crash leaves behind is found by this and removed; `roles` are their logins.
    """

    alias = models.CharField(max_length=63)
    location_id = models.BigIntegerField()
    schemas = ArrayField(models.CharField(max_length=63))
    tenants = ArrayField(models.UUIDField())
    roles = ArrayField(models.CharField(max_length=63), default=list)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.alias}: {', '.join(self.schemas)}"
