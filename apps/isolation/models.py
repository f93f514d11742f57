"""Locations (a schema in a database) and Placements (which Location a tenant's rows are in)."""

from django.db import models
from django.db.models.functions import Now
from django_tenants.models import TenantMixin

from apps.isolation.levels import Level


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
