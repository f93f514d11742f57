"""Databases in trouble: left alone for a while, and asked again by somebody else.

A database that swallows packets costs its time-out at each try. So nobody who has other work
tries: a thread of ours asks, and its answer is looked at in passing.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, InterfaceError
from psycopg_pool import PoolTimeout

from apps.isolation import public as isolation
from apps.isolation.public import Location

log = structlog.get_logger(__name__)

# The control plane's database: without it there is no work at all.
HERE = "fleet"
TROUBLE = (DatabaseError, InterfaceError, PoolTimeout)
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
ASKERS = 8
ANSWER_S = 5.0
LONGEST_REASON = 300


@dataclass(slots=True)
class Outage:
    """A database in trouble: how often it failed in a row, when it is asked again."""

    since: float
    failures: int = 0
    again: float = 0.0
    asked: "Future[bool] | None" = None


_outages: dict[str, Outage] = {}
_lock = threading.Lock()
_askers = ThreadPoolExecutor(ASKERS, thread_name_prefix="outages")


def name_of(place: Location) -> str:
    """The Location in the words of logs and `/readyz`: database and schema."""
    return f"{place.alias}/{place.schema}"


def note(alias: str, error: BaseException) -> None:
    """The database failed just now."""
    now = time.monotonic()
    with _lock:
        outage = _outages.setdefault(alias, Outage(since=now))
        outage.failures += 1
        pause = min(FIRST_PAUSE_S * 2 ** min(outage.failures - 1, 10), LONGEST_PAUSE_S)
        outage.again, outage.asked = now + pause, None
    reason = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
    log.warning("metering.database_away", database=alias, reason=reason, again_s=pause)


def over(alias: str) -> None:
    """The database did its work."""
    with _lock:
        outage = _outages.pop(alias, None)
    if outage is not None:
        away_s = round(time.monotonic() - outage.since, 1)
        log.info("metering.database_back", database=alias, away_s=away_s)


def is_away(alias: str) -> bool:
    """Whether to leave the database alone for now; never waits for it."""
    with _lock:
        outage = _outages.get(alias)
        if outage is None:
            return False
        if time.monotonic() < outage.again:
            return True
        if outage.asked is None:
            outage.asked = _askers.submit(_answers, alias)
            return True
        if not outage.asked.done():
            return True
        answers = outage.asked.result()
    if not answers:
        note(alias, ConnectionError("does not answer yet"))
    return not answers


@contextmanager
def noted(alias: str) -> Iterator[None]:
    """Work in one of several databases: another one's trouble is noted, the work for it left to
    a later time; that of the control plane's is raised.
    """
    try:
        yield
    except TROUBLE as error:
        if alias == HERE:
            raise
        note(alias, error)


def _answers(alias: str) -> bool:
    try:
        with (
            isolation.database_fleet(alias, within_s=ANSWER_S) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
    except TROUBLE:
        return False
    return True
