"""The operator's account and its people."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from apps.workspaces.plans import WorkspacePlan
from tenlyr.core import clock, ids
from tenlyr.core.stored_key import StoredKey


class Operator(AbstractUser):
    """A person who signs in; what they may do in a workspace is said by their membership."""


class Workspace(models.Model):
    """An operator's account: the owner of tenants and admin keys (X13)."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    name = models.CharField(max_length=255)
    plan = models.CharField(max_length=16, choices=[(p, p) for p in WorkspacePlan])
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a workspace."""

    class Role(models.TextChoices):
        """From reading only to everything."""

        VIEWER = "viewer"
        SUPPORT = "support"
        ADMIN = "admin"
        OWNER = "owner"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "operator"], name="one_role_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.operator} is {self.role} of {self.workspace}"


class AdminKey(StoredKey):
    """A key that opens the whole workspace; a workspace may have several, each with a name (A4)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="admin_keys")
    name = models.CharField(max_length=100)
