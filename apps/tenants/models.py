"""Tenants, their keys, the plan catalogue, and what is left of a deleted tenant."""

from django.core.exceptions import ValidationError
from django.db import models

from apps.isolation.public import Level
from apps.tenants import plans
from apps.tenants.emails import LONGEST_KEY
from apps.tenants.errors import BrokenCatalogue
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from apps.workspaces.public import Workspace
from tenlyr.core import clock, ids, keys
from tenlyr.core.stored_key import StoredKey

DEFAULT_REGION = "us-east-1"
LONGEST_NAME = 255
LONGEST_EMAIL = 254
LONGEST_REGION = 64


class PlanVersion(models.Model):
    """One version of a plan; a change makes a new one, and nobody's plan changes under them (X13).

    `workspace` is null for the catalogue that every workspace starts with. `limits` maps a metric
    to `{"limit": number or null, "strict": bool}` in natural units. `max_level` is the highest
    level of isolation that the plan allows (X59), empty for any.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, null=True, blank=True, related_name="plans"
    )
    name = models.CharField(max_length=16, choices=[(plan, plan) for plan in TenantPlan])
    version = models.PositiveIntegerField(editable=False)
    price_cents = models.PositiveIntegerField(default=0, help_text="Per month, in cents.")
    limits = models.JSONField(default=dict, blank=True)
    max_level = models.CharField(
        "highest isolation level",
        max_length=24,
        choices=[(level.value, level.value) for level in Level],
        blank=True,
        default="",
        help_text="The plan's tenants are born at this level or below, and move no higher.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name", "version"],
                name="one_plan_per_version",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def clean(self) -> None:
        """Refuse limits that could not be read back."""
        try:
            plans.read(self.limits)
        except BrokenCatalogue as error:
            raise ValidationError({"limits": str(error)}) from error


class Tenant(models.Model):
    """A customer of a workspace (A9). A deleted tenant has no row: see `DeletionCertificate`.

    `owner_email` is kept as given and compared by `email_key`. `limit_rpm` is the throttle, in
    requests per minute, null for none.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    # No index of its own: both indexes below begin with it.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="tenants", db_index=False
    )
    name = models.CharField(max_length=LONGEST_NAME)
    owner_email = models.CharField(max_length=LONGEST_EMAIL)
    email_key = models.CharField(max_length=LONGEST_KEY, editable=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="tenants")
    status = models.CharField(max_length=16, choices=[(status, status) for status in Status])
    region = models.CharField(max_length=LONGEST_REGION, default=DEFAULT_REGION)
    limit_rpm = models.PositiveIntegerField(null=True, blank=True)
    api_key_prefix = models.CharField(max_length=keys.DISPLAY_CHARACTERS, editable=False)
    last_active_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    # Where the rows are is isolation's to know; `selectors` fill it in.
    isolation_level: str = ""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "email_key"], name="one_tenant_per_email")
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="tenants_newest_first")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def plan(self) -> TenantPlan:
        """The plan's name."""
        return TenantPlan(self.plan_version.name)


class TenantKey(StoredKey):
    """A key that opens one tenant (A5): one live key, beside it those in their grace (X6b)."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="keys")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(expires_at=None, revoked_at=None),
                name="one_live_key_per_tenant",
            )
        ]


class DeletionCertificate(models.Model):
    """That a tenant was deleted, and what was purged (R17, X38): ids and counts, no names.

    Until `finished_at` is set it is the purge's work item. `counts` maps each holding to the rows
    that went; `sha256` covers everything else, in hex.
    """

    tenant_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField(db_index=True)
    requested_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    # When the sweep last tried to purge it; no part of what is certified.
    tried_at = models.DateTimeField(null=True, editable=False)
    counts = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64, default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["requested_at"],
                condition=models.Q(finished_at=None),
                name="tenants_unfinished_deletions",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {'purged' if self.finished_at else 'being purged'}"
