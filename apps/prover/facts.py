"""What the catalogue says, as far as it matters to a tenant's rows: the facts under a proof."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connections

from apps.isolation import public as isolation
from apps.prover import signing

SQL = Path(__file__).parent / "sql"
SCHEMAS = (SQL / "schemas.sql").read_text()
DATABASE = (SQL / "database.sql").read_text()
CONTROL = "public"
Place = tuple[str, str]


def read(places: Iterable[Place], workspace_id: UUID) -> dict[str, Any]:
    """The facts of some (alias, schema) for a workspace; schemas that are alike share one shape.

    A thousand dedicated schemas differ in their names only.
    """
    by_alias: dict[str, list[str]] = defaultdict(list)
    for alias, schema in places:
        by_alias[alias].append(schema)
    databases, schemas, shapes = {}, {}, {}
    for alias, names in by_alias.items():
        owner = isolation.owner_alias(alias)
        with connections[owner].cursor() as cursor:
            databases[alias] = _database(cursor, names, workspace_id)
            for schema, facts in _schemas(cursor, [*names, CONTROL]):
                shape = signing.digest(facts)
                shapes[shape] = facts
                schemas[f"{alias}/{schema}"] = shape
        isolation.let_go(owner)
    return {"databases": databases, "schemas": schemas, "shapes": shapes}


def _database(cursor: Any, schemas: list[str], workspace_id: UUID) -> Any:
    deploy = cursor.connection.info.user
    ours = [settings.ROLE_OWNER, settings.ROLE_APP, settings.ROLE_FLEET, deploy]
    known = {"ours": ours, "schemas": [*schemas, CONTROL], "workspace": workspace_id.hex}
    cursor.execute(DATABASE, known)
    return _plain(cursor.fetchone()[0])


def _schemas(cursor: Any, names: list[str]) -> list[tuple[str, Any]]:
    cursor.execute(SCHEMAS, {"schemas": names})
    return [(schema, _plain(facts)) for schema, facts in cursor.fetchall()]


def _plain(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value
