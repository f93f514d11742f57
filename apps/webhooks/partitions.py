"""Months of the log: made ahead of time, or when an old event needs one, and dropped in the end."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import structlog
from django.conf import settings
from django.db import transaction

from apps.webhooks import statements
from tenlyr.core import clock

log = structlog.get_logger(__name__)

PARENTS = ("webhooks_delivery", "webhooks_attempt")
# One at a time makes a month: a second one of the same would fail at its name.
LOCK = 7_362_016
HAVE = """
SELECT p.relname, right(c.relname, 6) FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE i.inhparent = ANY (ARRAY['public.webhooks_delivery', 'public.webhooks_attempt']::regclass[])
"""


def month_of(moment: datetime) -> date:
    """The first day of its month, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def shifted(month: date, by: int) -> date:
    """So many months later, or earlier."""
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def ensure(now: datetime | None = None) -> int:
    """Make this month and the next of both tables; answers how many were missing."""
    this = month_of(now or clock.now())
    return make(PARENTS, (this, shifted(this, 1)))


def ensure_for_events(moments: Iterable[datetime]) -> int:
    """Make the months that deliveries of these events lie in."""
    return make(PARENTS[:1], {month_of(moment) for moment in moments})


def make(parents: Iterable[str], months: Iterable[date]) -> int:
    """Make what is missing, in one transaction; answers how many were."""
    wanted = {(parent, month) for parent in parents for month in months}
    missing = sorted(wanted - _have())
    with transaction.atomic():
        for parent, month in missing:
            _call("make", parent, month)
    return len(missing)


def kept_since(now: datetime | None = None) -> date:
    """The first month that is kept."""
    return shifted(month_of(now or clock.now()), -settings.WEBHOOK_RETENTION_MONTHS)


def drop_expired(now: datetime | None = None) -> int:
    """Drop months past their retention; answers how many tables went."""
    first = kept_since(now)
    expired = sorted(one for one in _have() if one[1] < first)
    for parent, month in expired:
        with transaction.atomic():
            _call("drop", parent, month)
    log.info("webhooks.expired", tables=len(expired))
    return len(expired)


def _have() -> set[tuple[str, date]]:
    return {
        (parent, date(int(digits[:4]), int(digits[4:]), 1))
        for parent, digits in statements.rows(HAVE)
    }


def _call(act: str, parent: str, month: date) -> None:
    statements.rows("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})
    statements.rows(
        f"SELECT webhooks_{act}_partition(%(parent)s, %(month)s)",
        {"parent": parent, "month": month},
    )
