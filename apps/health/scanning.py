"""The scan: the whole fleet judged in one statement, only what changed is written (A23, F8, G10).

Numbers are renewed in one transaction, which also claims the period; each change of status follows
in a transaction with its event (`changing`). A scan that dies between leaves changes that the next
one finds again, because they are differences from what is written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from apps.health import changing, looking, noticing, partitions, rules
from apps.health.changing import Change
from apps.health.looking import Sight
from apps.health.statuses import Status
from tenlyr.core import jobs

log = structlog.get_logger(__name__)

JOB = "health.scan"
# One scan at a time writes; held for one statement.
LOCK = 7_362_012

JUDGE = sql.SQL((Path(__file__).parent / "sql" / "scan.sql").read_text()).format(
    error_rate=sql.SQL(rules.error_rate("errors", "known")),
    status=sql.SQL(rules.status("error_rate")),
)
NEWEST = "SELECT max(scanned_at) FROM health_progress"
FOUND = """
INSERT INTO health_progress AS p (database, scanned_at)
SELECT unnest(%(found)s::text[]), %(now)s
ON CONFLICT (database) DO UPDATE SET scanned_at = excluded.scanned_at, away_since = NULL
"""
AWAY = """
INSERT INTO health_progress AS p (database, away_since)
SELECT unnest(%(away)s::text[]), %(now)s
ON CONFLICT (database) DO UPDATE SET away_since = coalesce(p.away_since, excluded.away_since)
"""
GONE = "DELETE FROM health_progress WHERE database <> ALL (%(found)s::text[] || %(away)s::text[])"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of a scan: tenants with events, changes made, databases that were away."""

    tenants: int
    changes: int
    away: tuple[str, ...]


def scan_if_due() -> Scanned | None:
    """Scan, unless the present period's scan was done; None then."""
    period = timedelta(seconds=settings.HEALTH_PERIOD_S)
    if not jobs.is_due(JOB, period):
        return None
    return _scan(looking.present(), lambda: jobs.once_per(JOB, period))


def scan(now: datetime | None = None) -> Scanned | None:
    """Scan as of `now`; None when a later moment was looked at already."""
    return _scan(now or looking.present(), lambda: True)


def _scan(now: datetime, may_write: Callable[[], bool]) -> Scanned | None:
    sight = looking.look(looking.last_minutes(now))
    partitions.ensure(now)
    with transaction.atomic():
        if not may_write() or not _is_newest(now):
            return None
        found = _judge(sight)
        _note_progress(sight)
    applied = changing.apply(found, sight)
    noticing.notice(sight)
    done = Scanned(
        sum(one.tenants for one in sight.found.values()), applied, tuple(sorted(sight.away))
    )
    log.info("health.scanned", tenants=done.tenants, changes=applied, away=done.away)
    return done


def _is_newest(now: datetime) -> bool:
    """Whether nobody has written of a later moment: a look that took long is worth nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(NEWEST)
        newest = cursor.fetchone()[0]
    return newest is None or newest <= now


def _judge(sight: Sight) -> list[Change]:
    """Renew the numbers of all whose status stays; answers the others."""
    named: dict[str, Any] = {
        **looking.named(sight.packed),
        "minutes": sight.window.minutes,
        "silent_since": changing.silent_since(sight.window.until),
        "unseen": sight.unseen,
    }
    with connection.cursor() as cursor:
        cursor.execute(JUDGE, named)
        return [
            Change(tenant, before and Status(before), Status(after), *numbers)
            for tenant, before, after, *numbers in cursor.fetchall()
        ]


def _note_progress(sight: Sight) -> None:
    named: dict[str, Any] = {
        "found": list(sight.found),
        "away": list(sight.away),
        "now": sight.window.until,
    }
    with connection.cursor() as cursor:
        for statement in (FOUND, AWAY, GONE):
            cursor.execute(statement, named)
