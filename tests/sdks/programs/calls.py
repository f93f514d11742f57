"""Calls a server that fails in many ways; the outcomes are printed as JSON."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import tenlyr

Call = Callable[[tenlyr.Tenlyr], Awaitable[Any]]
ENV = os.environ


async def outcome(name: str, call: Call, **options: Any) -> tuple[str, Any]:
    """A scenario's name, with what its call ends with and the waits in ms that it asked for."""
    waits: list[float] = []
    client = tenlyr.Tenlyr(
        ENV["ADMIN_KEY"],
        base_url=ENV["BASE_URL"],
        timeout=5.0 if "hangs" in name else 60.0,
        on_retry=lambda info: waits.append(info.wait_ms),
        **options,
    )
    async with client:
        try:
            await call(client)
        except tenlyr.TenlyrError as error:
            return name, (type(error).__name__, waits)
    return name, ("ok", waits)


def half() -> float:
    """Jitter that is none."""
    return 0.5


def get(scenario: str) -> Call:
    """The call whose path names a scenario."""
    return lambda client: client.tenants.get(scenario)


def track(scenario: str) -> Call:
    """The event whose endpoint names a scenario."""
    return lambda client: client.usage.track(
        tenant_key=ENV["TENANT_KEY"], metric="api_call", value=1, endpoint=scenario
    )


async def main() -> None:
    """All of them at a time."""
    told = await asyncio.gather(
        *(outcome(one, get(one), random=half) for one in ENV["SCENARIOS"].split(",")),
        *(outcome(one, track(one), random=half) for one in ENV["EVENTS"].split(",")),
        *(outcome(f"jitter {run}", get("jitter")) for run in (1, 2, 3)),
    )
    sys.stdout.write(json.dumps(dict(told)))


asyncio.run(main())
