"""`manage.py audit_verify`: recompute every chain; exit 1 and name the first changed entry."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit import trail
from apps.audit.models import AuditEntry


class Command(BaseCommand):
    help = "Check the hash chain of every workspace's audit trail."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = AuditEntry.objects.order_by().values_list("workspace_id", flat=True)
        broken = 0
        for workspace_id in rows.distinct():
            number = trail.first_break(workspace_id)
            if number is not None:
                broken += 1
                self.stdout.write(f"{workspace_id}: entry {number} was changed")
        if broken:
            raise CommandError(f"{broken} chains are broken")
        self.stdout.write("Every chain is whole.")
