"""`manage.py setup`: roles, schemas, migrations and the first workspace; safe to run at any
time.
"""

import json
from dataclasses import asdict
from typing import Any

import django.db
import psycopg
from django.core.management.base import BaseCommand, CommandError

from apps.isolation.public import ensure_roles, migrate_everything
from apps.workspaces.public import BadAdminKey, found
from tenlyr import env
from tenlyr.core.api import wire


class Command(BaseCommand):
    help = "Prepare the database. The last line is JSON: the first key and login, when just made."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_roles()
            migrate_everything(options["verbosity"] - 1)
            founded = found(env.text("TENLYR_ADMIN_KEY"))
        except BadAdminKey as error:
            raise CommandError(str(error)) from error
        except (django.db.OperationalError, psycopg.OperationalError) as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"Postgres, or the pooler before it, refuses: {reason}") from error
        made = asdict(founded) if founded else {}
        self.stdout.write(json.dumps({"created": bool(founded), **wire.camel_keys(made)}))
