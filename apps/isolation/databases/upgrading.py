"""Bringing the databases of tenants' own up to the release at hand; those that have it are not
touched.
"""

import structlog
from django.db import Error, transaction

from apps.isolation import applying
from apps.isolation.databases import aliases, records, setting_up
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database, Location

log = structlog.get_logger(__name__)


def upgrade_all() -> int:
    """All that are behind; answers how many schemas had something to do.

    One that is away is noted as wanting this release: `retry` brings it up later.
    """
    release = setting_up.current_release()
    return sum(_tried(database, release) for database in behind())


def behind() -> list[Database]:
    """The databases that do not have the release at hand."""
    release = setting_up.current_release()
    ready = Database.objects.filter(state=Database.State.READY).order_by("alias")
    return [row for row in ready if row.detail.get("release") != release]


def retry() -> int:
    """Those that were away when this very release was set up. Never to another release: while two
    are at work, the older one must not take back what the newer one made.
    """
    release = setting_up.current_release()
    return sum(_tried(row, release) for row in behind() if row.detail.get("wants") == release)


def upgrade(database: Database) -> int:
    """Roles, parts, and the schemas of one database; answers how many schemas had something to
    do. Raises `DatabaseFailed`.
    """
    setting_up.set_up(database)
    owner = aliases.owner_alias(database.alias)
    rows = Location.objects.filter(alias=database.alias).exclude(state=Location.State.RETIRED)
    try:
        behind = applying.behind(owner, [row.schema_name for row in rows])
        for schema in behind:
            applying.migrate(owner, schema)
    except Error as error:
        said = " ".join(str(error).split())
        raise DatabaseFailed(f"{database.alias} could not be migrated: {said}.") from error
    finally:
        aliases.let_go(owner)
    release = setting_up.current_release()
    with transaction.atomic():
        records.note(database, release=release)
        records.record("isolation.database_upgraded", database, release=release, schemas=behind)
    return len(behind)


def upgrade_if_behind(alias: str) -> int:
    """One database that may have been away; nothing to do when it has the release at hand."""
    database = Database.objects.filter(pk=alias, state=Database.State.READY).first()
    if database is None or database.detail.get("release") == setting_up.current_release():
        return 0
    return upgrade(database)


def _tried(database: Database, release: str) -> int:
    try:
        return upgrade(database)
    except DatabaseFailed as error:
        records.note(database, wants=release)
        log.warning("isolation.database_behind", database=database.alias, reason=str(error))
        return 0
