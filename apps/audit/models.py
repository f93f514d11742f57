"""The trail's table. Only the database's own function writes to it."""

from django.db import models


class AuditEntry(models.Model):
    """One act. `hash` covers the entry and the hash before it, per workspace (R15)."""

    id = models.BigAutoField(primary_key=True)
    workspace_id = models.UUIDField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    tenant_id = models.UUIDField(null=True)
    body = models.JSONField()
    prev = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace_id", "seq"], name="one_chain_per_workspace")
        ]
        indexes = [models.Index(fields=["tenant_id", "at"], name="audit_by_tenant")]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.workspace_id} #{self.seq} {self.body.get('action')}"
