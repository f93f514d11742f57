"""A tenant's throttle, for whoever asks beside tracking: the operator's own gateway (A24, X41)."""

from pathlib import Path
from uuid import UUID

from tenlyr.core import ratelimits, redis, scripts
from tenlyr.core.ratelimits import Allowance

SCRIPT = scripts.load(Path(__file__).parent / "throttle.lua")


def spend(tenant_id: UUID, limit_rpm: int, cost: int) -> Allowance:
    """Take `cost` calls from the bucket that tracking takes from, if it holds as many.

    While Redis is away the call is allowed: nobody can know, and a gateway shall not fall with it.
    """
    key = redis.throttle(redis.shard_of(tenant_id), tenant_id)
    return ratelimits.ask(SCRIPT, key, limit_rpm, cost)
