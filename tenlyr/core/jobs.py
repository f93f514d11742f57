"""Scheduled work happens once a period, however many clocks call for it (R8, F52)."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

# A period is looked up by what lies in it: older ones are kept for a look at what happened.
REMEMBERED = timedelta(days=1)

# Who runs the job holds its lock until the end: others go away at once, they do not queue.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('core.jobs ' || %(job)s, 0))"
BEGIN = """
INSERT INTO core_jobrun AS r (job, period, started_at)
VALUES (%(job)s, date_bin(%(length)s, statement_timestamp(), 'epoch'), statement_timestamp())
ON CONFLICT DO NOTHING
RETURNING 1
"""
FORGET = """
DELETE FROM core_jobrun
WHERE job = %(job)s AND period < statement_timestamp() - greatest(%(remembered)s, 2 * %(length)s)
"""
DONE = """
SELECT count(*) FROM core_jobrun
WHERE job = %(job)s AND period = date_bin(%(length)s, statement_timestamp(), 'epoch')
"""


def once_per(job: str, period: timedelta) -> bool:
    """Whether the caller may do the job's work of the present period; nobody else may, then.

    Inside the transaction that does the work: undone with it, the period is free again. Periods
    are counted since 1970 by Postgres' clock, so that those of the callers may differ. Raises
    `RuntimeError` outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{job} must be begun inside the transaction of its work")
    named: dict[str, Any] = {"job": job, "length": period, "remembered": REMEMBERED}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, named)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(BEGIN, named)
        is_ours = cursor.fetchone() is not None
        if is_ours:
            cursor.execute(FORGET, named)
    return is_ours


def is_due(job: str, period: timedelta) -> bool:
    """Whether nobody has done the job's work of the present period yet: a look before costly
    reads, which `once_per` decides for good.
    """
    named: dict[str, Any] = {"job": job, "length": period}
    with connection.cursor() as cursor:
        cursor.execute(DONE, named)
        return bool(cursor.fetchone()[0] == 0)
