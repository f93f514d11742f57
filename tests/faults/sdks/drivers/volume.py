"""Takes events into a buffer as it is told to, a line of stdin each time; its end closes it."""

import asyncio
import json
import os
import re
import sys
import threading
import time
from typing import Any

import httpx
import tenlyr

ENV = os.environ
TENANTS = [one.split("=") for one in ENV["TENANTS"].split(",")]
DUPLICATES = re.compile(rb'"duplicates":(\d+)')
FORM = {
    "max_events": int(ENV["MAX_EVENTS"]),
    "flush_events": int(ENV["FLUSH_EVENTS"]),
    "flush_interval_ms": float(ENV["FLUSH_MS"]),
}


class Wire:
    """Notes each try as it leaves and each answer as it comes."""

    def __init__(self) -> None:
        self._file = open(ENV["WIRE"], "wb", buffering=0)
        self.tries = 0

    def leaves(self, request: httpx.Request) -> None:
        """A try."""
        self.tries += 1
        self._file.write(b"> " + request.content + b"\n")

    def came(self, status: int, body: bytes) -> None:
        """An answer."""
        found = DUPLICATES.search(body)
        count = found[1] if found else b"0"
        self._file.write(b"< %d %b\n" % (status, count))


class AsyncTap(httpx.AsyncHTTPTransport):
    """The wire of `Tenlyr`."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One try."""
        self.wire.leaves(request)
        response = await super().handle_async_request(request)
        self.wire.came(response.status_code, await response.aread())
        return response


class Tap(httpx.HTTPTransport):
    """The wire of `TenlyrSync`."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One try."""
        self.wire.leaves(request)
        response = super().handle_request(request)
        self.wire.came(response.status_code, response.read())
        return response


class Run:
    """How far it is."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.buffer: Any = None
        self.taken = self.most = self.lost = 0
        self._lock = threading.Lock()

    def say(self, closed: str) -> None:
        """Tell it."""
        told = {"taken": self.taken, "held": self.buffer.pending, "most": self.most}
        told |= {"tries": self.wire.tries, "lost": self.lost, "closed": closed}
        with self._lock:
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()

    def say_always(self) -> None:
        """Tell it again and again."""
        while True:
            time.sleep(0.02)
            self.say("")

    def next(self) -> dict[str, Any]:
        """The event to take."""
        tenant, key = TENANTS[self.taken % len(TENANTS)]
        endpoint = f"/faults/{tenant}/{self.taken}"
        value = 1 + self.taken % 3
        return {"tenant_key": key, "metric": "api_call", "value": value, "endpoint": endpoint}

    def took(self) -> None:
        """It was taken."""
        self.taken += 1
        self.most = max(self.most, self.buffer.pending)

    def dropped(self, _event: Any) -> None:
        """An event is lost."""
        self.lost += 1

    def refused(self, event: Any, why: Exception) -> None:
        """An event is lost, with a reason."""
        self.lost += 1
        sys.stderr.write(f"{event['id']}: {why!r}\n")


async def at_once(run: Run) -> None:
    """By `Tenlyr`."""
    async with httpx.AsyncClient(transport=AsyncTap(run.wire)) as http:
        client = tenlyr.Tenlyr(base_url=ENV["BASE_URL"], http_client=http)
        run.buffer = client.usage.buffer(on_drop=run.dropped, on_error=run.refused, **FORM)
        threading.Thread(target=run.say_always, daemon=True).start()
        while line := await asyncio.to_thread(sys.stdin.readline):
            for _ in range(int(line)):
                await run.buffer.track(**run.next())
                run.took()
        await run.buffer.close()


def in_turn(run: Run) -> None:
    """By `TenlyrSync`."""
    with httpx.Client(transport=Tap(run.wire)) as http:
        client = tenlyr.TenlyrSync(base_url=ENV["BASE_URL"], http_client=http)
        run.buffer = client.usage.buffer(on_drop=run.dropped, on_error=run.refused, **FORM)
        threading.Thread(target=run.say_always, daemon=True).start()
        while line := sys.stdin.readline():
            for _ in range(int(line)):
                run.buffer.track(**run.next())
                run.took()
        run.buffer.close()


def main() -> None:
    """One of both."""
    run = Run(Wire())
    if ENV["CLIENT"] == "python-sync":
        in_turn(run)
    else:
        asyncio.run(at_once(run))
    run.say("well" if run.buffer.pending == 0 else "with an error")


main()
