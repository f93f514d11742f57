"""The catalogue lint: reads how the database really stands and names each way a row could get
out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connections

from apps.isolation.databases import aliases
from apps.isolation.models import Database, Location

SQL = (Path(__file__).parent / "sql" / "lint.sql").read_text()


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect and the object that has it."""

    defect: str
    object: str


def findings() -> list[Finding]:
    """All defects of the catalogues now; empty when the nets are whole. What a tenant's own
    database has is named with the database before it.
    """
    found = _findings_in(aliases.CONTROL)
    for row in Database.objects.filter(state=Database.State.READY).order_by("alias"):
        found += _elsewhere(row.alias)
    return found


def read(cursor: Any, schemas: list[str], deploy: str = "") -> list[Finding]:
    """The defects as `cursor` sees the catalogue, in `public` and the schemas of Locations."""
    params = {
        "schemas": schemas,
        "app": settings.ROLE_APP,
        "fleet": settings.ROLE_FLEET,
        "owner": settings.ROLE_OWNER,
        "deploy": deploy or connections["owner"].settings_dict["USER"],
    }
    cursor.execute(SQL, params)
    return [Finding(*row) for row in cursor.fetchall()]


def _findings_in(alias: str) -> list[Finding]:
    rows = Location.objects.using("owner").filter(alias=alias)
    owner = connections[aliases.owner_alias(alias)]
    with owner.cursor() as cursor:
        schemas = list(rows.values_list("schema_name", flat=True))
        return read(cursor, schemas, owner.settings_dict["USER"])


def _elsewhere(alias: str) -> list[Finding]:
    """A database that does not answer is a finding too: nobody knows how it stands."""
    try:
        found = _findings_in(alias)
    except OperationalError:
        return [Finding("unreachable", alias)]
    finally:
        aliases.let_go(aliases.owner_alias(alias))
    return [Finding(one.defect, f"{alias}: {one.object}") for one in found]
