"""The audit trail: an append-only, hash-chained record of who did what."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"
    label = "audit"

    def ready(self) -> None:
        from apps.audit import trail
        from tenlyr.core import audit, registry

        audit.keep_with(trail.keep)
        registry.register(trail.HOLDING)
