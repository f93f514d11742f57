"""What could stop the move later is looked at first; each reason is one sentence."""

import shutil

from django.conf import settings
from django.db import connections

from apps.isolation import parts
from apps.isolation.databases.aliases import owner_alias
from apps.isolation.moves import shapes
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import one
from apps.isolation.moves.quoting import name
from apps.isolation.moves.shapes import TENANT

LONG_TRANSACTIONS, EXTENSIONS = (
    (shapes.SQL / f"{file}.sql").read_text() for file in ("long_transactions", "extensions")
)
# Rows, their indexes, the stage and the write-ahead log of all of it.
SPACE_FACTOR = 3
SPACE_SPARE = 256 * 1024 * 1024
LOCAL = {"", "localhost", "127.0.0.1", "::1"}


def check(journey: Journey) -> None:
    """Step `preflight`. Raises `MoveFailed`."""
    tables = [
        name(table.schema, table.name)
        for part in parts.parts()
        for table in part.tables(journey.tenant_id, journey.source, journey.arrival)
    ]
    _no_long_transaction(journey, tables)
    _versions(journey)
    _extensions(journey, tables)
    rows, size = _weight(journey, tables)
    _space(journey, size)
    journey.note(rows_total=rows, bytes=size)


def _no_long_transaction(journey: Journey, tables: list[str]) -> None:
    found = journey.links.source_owner.execute(LONG_TRANSACTIONS, {"tables": tables}).fetchone()
    if found is not None:
        raise MoveFailed(
            f"A transaction that writes to table {found[0]} has been open for {found[1]} seconds:"
            " end it and try again."
        )


def _versions(journey: Journey) -> None:
    here, there = (
        int(one(link, "SELECT current_setting('server_version_num')")[0]) // 10_000
        for link in (journey.links.source_owner, journey.links.target_owner)
    )
    if there < here:
        raise MoveFailed(f"The target runs Postgres {there}, which is older than {here}.")


def _extensions(journey: Journey, tables: list[str]) -> None:
    needed = journey.links.source_owner.execute(EXTENSIONS, {"tables": tables}).fetchall()
    rows = journey.links.target_owner.execute("SELECT extname FROM pg_extension")
    missing = sorted({row[0] for row in needed} - {row[0] for row in rows})
    if missing:
        raise MoveFailed(f"The target lacks the extension {', '.join(missing)}.")


def _weight(journey: Journey, tables: list[str]) -> tuple[int, int]:
    """The tenant's rows, and about how many bytes they take with their share of the indexes."""
    rows = size = 0
    for table in tables:
        count, width = one(
            journey.links.source,
            f"SELECT (SELECT count(*) FROM {table} WHERE {name(TENANT)} = {journey.tenant}),"
            f" (SELECT coalesce(avg(pg_column_size(t.*)), 0)::bigint FROM (SELECT * FROM {table}"
            f" WHERE {name(TENANT)} = {journey.tenant} LIMIT 200) AS t)",
        )
        rows, size = rows + count, size + count * (width + 24)
    return rows, size


def _space(journey: Journey, size: int) -> None:
    """Free space is known only where the server's disk is ours to look at."""
    host = connections[owner_alias(journey.arrival.alias)].settings_dict["HOST"]
    if host not in LOCAL or not settings.HOME.exists():
        return
    free = shutil.disk_usage(settings.HOME).free
    needed = SPACE_FACTOR * size + SPACE_SPARE
    if free < needed:
        # What a server of the operator's has left is nothing for a tenant's own key.
        raise MoveFailed(
            "The target's disk has too little room.",
            internal=f"{free >> 20} MB are free, and the move may need {needed >> 20} MB.",
        )
