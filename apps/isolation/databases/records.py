"""What is written on a Database's row while others may write on it too, and on the trail."""

import json
from typing import Any

from django.db import connections

from apps.isolation.models import Database
from tenlyr.core import audit

NOTE = "UPDATE isolation_database SET detail = detail || %s::jsonb WHERE alias = %s"


def note(database: Database, **facts: Any) -> None:
    """Add facts to the row's detail; other writers' facts stay."""
    with connections["default"].cursor() as cursor:
        cursor.execute(NOTE, [json.dumps(facts), database.pk])
    database.detail = {**database.detail, **facts}


def record(action: str, database: Database, **details: Any) -> None:
    """Put an act on the database on the installation's trail, as the last of its transaction."""
    audit.record(
        action,
        workspace_id=audit.INSTALLATION,
        target=database.alias,
        driver=database.driver,
        **details,
    )


def state(database: Database, state: Database.State, error: str = "") -> None:
    """Say how the database stands, and if it failed why."""
    database.state, database.error = state, error
    database.save(update_fields=["state", "error"])
