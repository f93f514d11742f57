"""`manage.py isolation_lint`: exit 1 and name the defects when the catalogue lets rows out."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.isolation import lint


class Command(BaseCommand):
    help = "Check RLS, policies, owners, grants and roles of the whole installation."

    def handle(self, *args: Any, **options: Any) -> None:
        found = lint.findings()
        for finding in found:
            self.stdout.write(f"{finding.defect}: {finding.object}")
        if found:
            raise CommandError(f"{len(found)} defects")
        self.stdout.write("No defect: every tenant-owned table is fenced.")
