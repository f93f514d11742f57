"""Replays conformance cases: calls made from data, over a transport that knows the answers."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Optional
from urllib.parse import parse_qsl
from uuid import UUID

import httpx

from tenlyr import Tenlyr, TenlyrError, TenlyrSync, TrackEvent
from tenlyr._answers import to_wire
from tenlyr._inputs import wire_event

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
CONFORMANCE = Path(__file__).parents[2] / "conformance"
FAULTS: Mapping[str, type[httpx.TransportError]] = {
    "refused": httpx.ConnectError,
    "reset": httpx.ReadError,
    "timeout": httpx.ReadTimeout,
}


def load(name: str) -> Any:
    """A file of the shared data."""
    return json.loads((CONFORMANCE / name).read_text())


METHODS = {row["method"]: row for row in load("methods.json")}
KEYS: Mapping[str, str] = load("keys.json")["keys"]


def cases() -> list[Any]:
    """Every case of every file."""
    return [case for path in sorted(CONFORMANCE.glob("cases/*.json")) for case in load(str(path))]


def with_keys(value: Any) -> Any:
    """The same value with real keys in the place of their names."""
    text = json.dumps(value)
    for name in sorted(KEYS, key=len, reverse=True):
        text = text.replace(name, KEYS[name])
    return json.loads(text)


class CutOff(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A body that ends before its end."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"id": "01'
        raise httpx.RemoteProtocolError("peer closed connection")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class Script(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Answers as a case says, once each, and compares what it is asked."""

    def __init__(self, exchanges: list[Any]) -> None:
        self.left = list(exchanges)
        self.same: dict[str, Any] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert self.left, f"one request too many: {request.method} {request.url}"
        exchange = self.left.pop(0)
        self._compare(exchange["request"], request)
        fault = exchange.get("fault")
        if fault == "truncated":
            return httpx.Response(200, stream=CutOff())
        if fault:
            raise FAULTS[fault]("as the case says")
        return _response(exchange["response"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    def _compare(self, wanted: Any, request: httpx.Request) -> None:
        path, _, query = request.url.raw_path.decode().partition("?")
        assert request.method == wanted["method"]
        assert path == wanted["path"]
        if "query" in wanted:
            assert dict(parse_qsl(query, keep_blank_values=True)) == wanted["query"]
        for name, value in wanted.get("headers", {}).items():
            assert self.is_alike(value, request.headers.get(name)), (name, value, request.headers)
        body = json.loads(request.content) if request.content else None
        if "body" in wanted:
            assert self.is_alike(wanted["body"], body), (wanted["body"], body)
        else:
            assert body is None

    def is_alike(self, wanted: Any, given: Any) -> bool:
        """Whether a value is the one wanted, `$uuid` and `$same:` understood."""
        if isinstance(wanted, dict) and isinstance(given, dict):
            same_names = wanted.keys() == given.keys()
            return same_names and all(self.is_alike(wanted[name], given[name]) for name in wanted)
        if isinstance(wanted, list) and isinstance(given, list):
            return len(wanted) == len(given) and all(map(self.is_alike, wanted, given))
        if wanted == "$uuid":
            return bool(str(UUID(given)) == given)
        if wanted == "$time":
            return TIME.fullmatch(given) is not None
        if isinstance(wanted, str) and wanted.startswith("$same:"):
            return bool(given == self.same.setdefault(wanted, given))
        return bool(wanted == given)


class Refused:
    """What a buffer's `on_error` is told, as a case writes it."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def hear(self, event: TrackEvent, error: TenlyrError) -> None:
        """Write an event down, with the error's code."""
        self.events.append({**wire_event(event), "code": error.code})


def _response(wanted: Any) -> httpx.Response:
    raw = wanted.get("rawBody")
    content = raw.encode() if raw is not None else None
    if content is None and wanted.get("body") is not None:
        content = json.dumps(wanted["body"]).encode()
    return httpx.Response(wanted["status"], headers=wanted.get("headers"), content=content)


class Replay:
    """One case, its client's settings and what became of it."""

    def __init__(self, case: Any) -> None:
        self.case = with_keys(case)
        self.script = Script(self.case["exchanges"])
        self.waits_ms: list[float] = []

    def run(self, kind: str) -> Any:
        """What the call answers; a list of what it yields for the methods that walk pages."""
        if kind == "async":
            return asyncio.run(self._run_async())
        with httpx.Client(transport=self.script) as http:
            client = TenlyrSync(**self._options(), http_client=http, sleep=self._waited)
            if self._is_buffered:
                return self._through(client)
            found = self._method(client)()
            return list(found) if self._walks else found

    async def _run_async(self) -> Any:
        async def sleep(wait_s: float) -> None:
            self._waited(wait_s)

        async with httpx.AsyncClient(transport=self.script) as http:
            client = Tenlyr(**self._options(), http_client=http, sleep=sleep)
            if self._is_buffered:
                return await self._through_async(client)
            found = self._method(client)()
            return [one async for one in found] if self._walks else await found

    def _through(self, client: TenlyrSync) -> Any:
        """The case's events, through a buffer; the result is what `on_error` hears of."""
        refused = Refused()
        buffer = client.usage.buffer(flush_interval_ms=3_600_000, on_error=refused.hear)
        for event in self._events():
            buffer.track(**event)
        buffer.close()
        return refused.events

    async def _through_async(self, client: Tenlyr) -> Any:
        refused = Refused()
        buffer = client.usage.buffer(flush_interval_ms=3_600_000, on_error=refused.hear)
        for event in self._events():
            await buffer.track(**event)
        await buffer.close()
        return refused.events

    def _events(self) -> Any:
        return _argument("events", self.case["call"]["args"]["events"])

    def _waited(self, wait_s: float) -> None:
        self.waits_ms.append(wait_s * 1000)

    def _options(self) -> dict[str, Any]:
        given = self.case.get("client", {})
        drawn = given.get("random", [1.0])
        values = itertools.chain(drawn, itertools.repeat(drawn[-1]))
        options = {
            "api_key": given.get("key", KEYS["$ADMIN"]),
            "random": lambda: next(values),
            "retries": given.get("retries", 3),
            "retry_delay": given.get("retryDelayMs", 200) / 1000,
        }
        return {**options, **({"base_url": given["baseUrl"]} if "baseUrl" in given else {})}

    @property
    def _is_buffered(self) -> bool:
        return bool(self.case["call"]["method"] == "usage.buffer")

    @property
    def _walks(self) -> bool:
        name = self.case["call"]["method"]
        return name.endswith("All") and name[: -len("All")] in METHODS and name not in METHODS

    def _method(self, client: Any) -> Any:
        """The call, with its arguments in their places."""
        name = self.case["call"]["method"]
        row = METHODS.get(name) or METHODS.get(name[: -len("All")], {"positional": [], "key": ""})
        resource, method = name.split(".")
        args = {snake(arg): _argument(arg, one) for arg, one in self.case["call"]["args"].items()}
        first = ["tenantKey"] if row["key"] == "tenantKey" else []
        last = ["key"] if row["key"] == "tenantKey?" else []
        names = [snake(one) for one in first + row["positional"] + last]
        if name == "usage.track":
            names = []
        placed = [args.pop(one) for one in itertools.takewhile(lambda one: one in args, names)]
        target = getattr(getattr(client, resource), snake(method))
        return lambda: target(*placed, **args)


def _argument(name: str, value: Any) -> Any:
    """A value as Python gives it: an event's fields have names of ours."""
    if name == "events" and isinstance(value[0], dict):
        return [{snake(field): one for field, one in event.items()} for event in value]
    return value


def snake(name: str) -> str:
    """A name of the wire as Python has it."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def as_wire(value: Any) -> Any:
    """An answer as a case writes it."""
    return value.decode() if isinstance(value, bytes) else to_wire(value)


def differs(wanted: Any, given: Any, at: str = "") -> Optional[str]:
    """Where an answer is another than wanted, on the fields that are named; None when it is not."""
    if isinstance(wanted, dict) and isinstance(given, dict):
        found = (differs(one, given.get(name), f"{at}.{name}") for name, one in wanted.items())
        return next(filter(None, found), None)
    if isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        found = (differs(*pair, f"{at}[{i}]") for i, pair in enumerate(zip(wanted, given)))
        return next(filter(None, found), None)
    return None if wanted == given or _same_moment(wanted, given) else f"{at}: {wanted} / {given}"


def _same_moment(wanted: Any, given: Any) -> bool:
    """Moments may be written with other numbers of digits."""
    trimmed = [re.sub(r"\.?0*Z$", "Z", one) for one in (wanted, given) if isinstance(one, str)]
    return len(trimmed) == 2 and trimmed[0] == trimmed[1]
