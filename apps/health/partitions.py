"""The months of the history: made before they are needed, dropped when their time is over."""

from collections.abc import Iterator
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction

# One at a time makes a month, as in the functions of `sql/history.sql`.
LOCK = 7_362_011
# The catalogue itself: a name that was not there may be remembered as such (`to_regclass`).
HAVE = """
SELECT count(*) FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace
  AND c.relname = 'health_history_' || to_char(%s::date, 'YYYYMM')
"""
MONTHS = """
SELECT to_date(right(c.relname, 6), 'YYYYMM')
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'public.health_history'::regclass ORDER BY 1
"""


def ensure(now: datetime) -> int:
    """Make the month of `now`, that of an hour ago and the next, where they are missing; answers
    how many were made.
    """
    this = month(now)
    return sum(_make(one) for one in (_shifted(this, -1), this, _shifted(this, 1)))


def drop_expired(now: datetime) -> int:
    """Drop the months that lie before those that are kept; answers how many."""
    first = _shifted(month(now), -settings.HEALTH_RETENTION_MONTHS)
    dropped = 0
    with connection.cursor() as cursor:
        for one in list(_months()):
            if one < first:
                cursor.execute("SELECT health_drop_partition(%s)", [one])
                dropped += bool(cursor.fetchone()[0])
    return dropped


def month(moment: datetime) -> date:
    """The first day of a moment's month."""
    return moment.date().replace(day=1)


def _shifted(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _make(first: date) -> bool:
    if _have(first):
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if _have(first):
            return False
        cursor.execute("SELECT health_make_partition(%s)", [first])
        return bool(cursor.fetchone()[0])


def _have(first: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(HAVE, [first])
        return bool(cursor.fetchone()[0])


def _months() -> Iterator[date]:
    with connection.cursor() as cursor:
        cursor.execute(MONTHS)
        for (first,) in cursor.fetchall():
            yield first
