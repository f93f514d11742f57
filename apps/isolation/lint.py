"""The catalogue lint: reads how the database really stands and names each way a row could get
out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from apps.isolation.models import Location

SQL = (Path(__file__).parent / "sql" / "lint.sql").read_text()


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect and the object that has it."""

    defect: str
    object: str


def findings() -> list[Finding]:
    """All defects of the catalogue now; empty when the nets are whole."""
    schemas = Location.objects.using("owner").values_list("schema_name", flat=True)
    with connections["owner"].cursor() as cursor:
        return read(cursor, list(schemas))


def read(cursor: Any, schemas: list[str]) -> list[Finding]:
    """The defects as `cursor` sees the catalogue, in `public` and the schemas of Locations."""
    params = {
        "schemas": schemas,
        "app": settings.ROLE_APP,
        "fleet": settings.ROLE_FLEET,
        "owner": settings.ROLE_OWNER,
        "deploy": connections["owner"].settings_dict["USER"],
    }
    cursor.execute(SQL, params)
    return [Finding(*row) for row in cursor.fetchall()]
