"""The history's hours: what each tenant did in an hour that is over, and the worst it was (A29).

Each database is brought forward by itself, an hour in each transaction, so that one that was away
catches up, and a worker that dies repeats an hour at most: the second time changes nothing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from django.db import connection, transaction
from psycopg import sql

from apps.health import looking, partitions, rules
from apps.health.looking import Window
from apps.health.models import Progress
from tenlyr.core import jobs

log = structlog.get_logger(__name__)

JOB = "health.roll_up"
PERIOD = timedelta(minutes=5)
HOUR = timedelta(hours=1)
# Events of an hour may be stored shortly after it; later ones are found when it is looked at again.
SETTLED_AFTER = timedelta(minutes=2)
# Hours that are written again because events came late, and hours that one call catches up on.
AGAIN, MOST_HOURS = 1, 48
LOCK = 7_362_013

KEEP = sql.SQL((Path(__file__).parent / "sql" / "hours.sql").read_text()).format(
    error_rate=sql.SQL(rules.error_rate("errors", "known")),
    status=sql.SQL(rules.status("s.error_rate")),
    rank=sql.SQL(rules.rank("w.status")),
)


def roll_up_if_due() -> int:
    """Bring the history forward, unless that was done in these five minutes; how many hours."""
    with transaction.atomic():
        if not jobs.once_per(JOB, PERIOD):
            return 0
    return roll_up()


def roll_up(now: datetime | None = None) -> int:
    """Write the hours that are over in every database that answers; answers how many."""
    moment = now or looking.present()
    last = _hour(moment - SETTLED_AFTER)
    written = 0
    for alias in looking.aliases():
        for hour in _due(alias, last):
            if not _write(alias, hour):
                break
            written += 1
    return written


def _hour(moment: datetime) -> datetime:
    """The beginning of the hour."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _due(alias: str, last: datetime) -> Iterator[datetime]:
    """The beginnings of the database's hours that are to be written, all before `last`."""
    row = Progress.objects.filter(pk=alias).first()
    done = row.rolled_up_to if row else None
    if done is not None and done >= last:
        return
    hour = last - HOUR if done is None else max(done - AGAIN * HOUR, last - MOST_HOURS * HOUR)
    while hour < last:
        yield hour
        hour += HOUR


def _write(alias: str, hour: datetime) -> bool:
    """One hour of one database; False when it is away."""
    window = Window(hour, hour + HOUR)
    found = looking.look(window, only=alias).found.get(alias)
    if found is None:
        log.warning("health.hour_waits", database=alias, hour=hour.isoformat())
        return False
    partitions.ensure(hour)
    named = {**looking.named(found.packed), "since": window.since, "until": window.until}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(KEEP, named)
        Progress.objects.update_or_create(database=alias, defaults={"rolled_up_to": window.until})
    return True
