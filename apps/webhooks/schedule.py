"""When a delivery that failed is tried again: for 72 hours, less and less often (E8, X35, T45)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# Between the attempts; with the first one there are 14, the last about 71 hours after it.
DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, *[43_200] * 5)
)
STOP = timedelta(hours=72)
# A delay is shortened by up to this share, so that what failed together is not tried together.
JITTER = 0.2
# A receiver may ask for patience, up to so many times the delay that was due anyway.
MOST_PATIENCE = 2
DIGITS = re.compile(r"[0-9]+")


def next_at(
    first_at: datetime,
    attempt: int,
    now: datetime,
    jitter: float,
    retry_after: str | None = None,
) -> datetime | None:
    """The time of the next attempt after number `attempt` (from 1) failed; None when it was the
    last: there are no more, or it would be later than 72 hours after the first.

    `jitter` is from 0 (the whole delay) to 1 (a fifth less); `retry_after` is the header as the
    receiver sent it, and can only lengthen the delay, to twice of it.
    """
    if not 0 <= jitter <= 1:
        raise ValueError("jitter is from 0 to 1")
    if attempt > len(DELAYS):
        return None
    delay = DELAYS[attempt - 1] * (1 - JITTER * jitter)
    asked = asked_delay(retry_after, now)
    if asked is not None:
        delay = max(delay, min(asked, delay * MOST_PATIENCE))
    due = now + delay
    return due if due <= first_at + STOP else None


def asked_delay(retry_after: str | None, now: datetime) -> timedelta | None:
    """What a `Retry-After` asks for, seconds or a date; None when it makes no sense."""
    if retry_after is None:
        return None
    asked = retry_after.strip()
    if DIGITS.fullmatch(asked):
        return timedelta(seconds=int(asked)) if len(asked) < 10 else STOP
    try:
        moment = parsedate_to_datetime(asked)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
