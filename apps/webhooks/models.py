"""The outbox: an event is written in the transaction of its cause, and delivered from here."""

from django.db import models


class OutboxEvent(models.Model):
    """One event in its envelope (E5); `data` is in the wire's casing."""

    id = models.CharField(primary_key=True, max_length=30)
    # One of `EventType`: the enum is the list, and a new event needs no migration.
    type = models.CharField(max_length=64)
    workspace_id = models.UUIDField()
    tenant_id = models.UUIDField(null=True)
    data = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "created_at"], name="outbox_by_workspace"),
            models.Index(fields=["tenant_id", "created_at"], name="outbox_by_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
