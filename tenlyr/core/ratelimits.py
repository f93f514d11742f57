"""The limit on the management API: calls of one key in any 60 seconds, by Redis' clock (X41, R11).

It protects us, not a quota: while Redis is away nobody is counted and everybody is let through.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings

from tenlyr.core import context, errors, redis, scripts
from tenlyr.core.coroutines import finish

log = structlog.get_logger(__name__)

WINDOW = scripts.load(Path(__file__).parent / "window.lua")
# For so long nobody asks a Redis that just did not answer: each would wait for its time-out.
AWAY_S = 1.0

_asked_again_at = [0.0]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a call has room, what is left a minute, and whole seconds until more is.

    `limit` is None where nothing limits the caller; `remaining` and `reset_s` are None there too,
    and while Redis is away.
    """

    is_allowed: bool
    limit: int | None = None
    cost: int = 1
    remaining: int | None = None
    reset_s: int | None = None

    @property
    def retry_after_s(self) -> int | None:
        """How long to wait before the call has room; None when it has, or never will."""
        never = self.limit is None or self.cost > self.limit
        return None if self.is_allowed or never else self.reset_s

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it; none where nothing is known."""
        if self.limit is None or self.remaining is None or self.reset_s is None:
            return {}
        return errors.rate_limit_headers(self.limit, self.remaining, self.reset_s)


UNLIMITED = Allowance(True)


def charge(key_id: UUID) -> None:
    """Count a call of the key and tell the caller in headers; raises `RateLimited`."""
    allowance = spend(key_id)
    if not allowance.is_allowed:
        raise errors.RateLimited(
            f"This key may make {allowance.limit} calls a minute.",
            limit=allowance.limit,
            retry_after=allowance.retry_after_s,
        )
    context.current().answer_headers = allowance.headers


def spend(key_id: UUID, cost: int = 1) -> Allowance:
    """Count `cost` calls of the key if there is room for them."""
    limit: int = settings.API_RPM
    return ask(WINDOW, redis.api_calls(key_id), limit, cost) if limit else UNLIMITED


def ask(script: scripts.Script, key: str, limit: int, cost: int) -> Allowance:
    """What a script says that counts on `key`: {allowed, remaining, ms until more}.

    Allowed, with nothing known, while Redis is away.
    """
    if time.monotonic() < _asked_again_at[0]:
        return Allowance(True, limit, cost)
    try:
        answer = finish(scripts.run(script, (1, key, limit, cost), redis.blocking))
    except redis.RedisError as error:
        _asked_again_at[0] = time.monotonic() + AWAY_S
        log.warning("ratelimit.away", reason=type(error).__name__)
        return Allowance(True, limit, cost)
    is_allowed, remaining, wait_ms = answer
    return Allowance(is_allowed == 1, limit, cost, remaining, math.ceil(wait_ms / 1000))
