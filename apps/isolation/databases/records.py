"""What is written on a Database's row while others may write on it too."""

import json
from typing import Any

from django.db import connections

from apps.isolation.models import Database

NOTE = "UPDATE isolation_database SET detail = detail || %s::jsonb WHERE alias = %s"


def note(database: Database, **facts: Any) -> None:
    """Add facts to the row's detail; other writers' facts stay."""
    with connections["default"].cursor() as cursor:
        cursor.execute(NOTE, [json.dumps(facts), database.pk])
    database.detail = {**database.detail, **facts}


def state(database: Database, state: Database.State, error: str = "") -> None:
    """Say how the database stands, and if it failed why."""
    database.state, database.error = state, error
    database.save(update_fields=["state", "error"])
