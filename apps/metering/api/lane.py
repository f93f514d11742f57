"""The hot path's HTTP: tracking is answered here, before Django's handler is even touched
(ADR-0004).

Everything a client can see is as elsewhere in the API: headers, statuses, error bodies.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.metering import track
from tenlyr.core import auth, context, errors, pipelining, redis
from tenlyr.core.api import handler
from tenlyr.core.api.authentication import covered, identify, raw_key
from tenlyr.core.api.bridge import (
    ClientGone,
    Receive,
    Scope,
    Send,
    answer,
    body_of,
    headers_of,
)
from tenlyr.core.api.middleware import address_of, request_id_of
from tenlyr.core.coroutines import finish
from tenlyr.core.principal import Principal
from tenlyr.core.redis import Ask

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Headers = list[tuple[str, str]]

JSON_TYPES = frozenset({"application/json"})
LINES_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
COMMON: Headers = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]
REPLAYED = ("Idempotent-Replayed", "true")
# A larger batch is worked on by a thread, so that no other call waits for it.
BRIEF_BYTES = 65_536


@dataclass(slots=True)
class Call:
    """A request's line and headers (names in lower case), and who sent it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    remote: str


class Waits(Protocol):
    """How a call waits: on an event loop beside others, or on a thread of its own."""

    ask: Ask

    def body(self, most: int) -> Awaitable[bytes]:
        """The request's body, or its first `most + 1` bytes."""

    def run(self, function: Callable[..., Result], *args: Any) -> Awaitable[Result]:
        """The result of a function that may wait for Postgres or compute for long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, headers, a body."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """One of the lane's two paths."""

    most_bytes: int
    media_types: frozenset[str]
    run: Callable[[Principal, bytes, str, str | None, Waits], Awaitable[tuple[int, bytes, bool]]]


async def _track(
    principal: Principal, body: bytes, media_type: str, key: str | None, waits: Waits
) -> tuple[int, bytes, bool]:
    content, is_replay = await track.one(principal, body, key, waits.ask)
    return 201, content, is_replay


async def _track_batch(
    principal: Principal, body: bytes, media_type: str, key: str | None, waits: Waits
) -> tuple[int, bytes, bool]:
    is_lines = media_type in LINES_TYPES
    if len(body) <= BRIEF_BYTES:
        content = await track.many(principal, body, key, waits.ask, is_lines=is_lines)
    else:
        content = await waits.run(_many_at_once, principal, body, key, is_lines)
    return 200, content, False


def _many_at_once(principal: Principal, body: bytes, key: str | None, is_lines: bool) -> bytes:
    return finish(track.many(principal, body, key, redis.blocking, is_lines=is_lines))


ROUTES = {
    "/api/v1/usage/track": Route(1 << 20, JSON_TYPES, _track),
    "/api/v1/usage/track/batch": Route(16 << 20, JSON_TYPES | LINES_TYPES, _track_batch),
}


class OnLoop:
    """How a web process' calls wait: beside each other, on its event loop."""

    ask: Ask = staticmethod(pipelining.command)

    def __init__(self, receive: Receive, run: Callable[..., Awaitable[Any]]) -> None:
        self._receive, self.run = receive, run

    async def body(self, most: int) -> bytes:
        """The request's body, or its beginning."""
        return await body_of(self._receive, most)


async def serve(
    scope: Scope, receive: Receive, send: Send, run: Callable[..., Awaitable[Any]]
) -> None:
    """Answer a request for one of `ROUTES`, as an ASGI application does.

    `run` gives work that would hold up the event loop to a thread.
    """
    call = Call(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers_of(scope),
        (scope.get("client") or ("",))[0],
    )
    try:
        found = await respond(call, OnLoop(receive, run))
    except ClientGone:
        return
    await answer(send, found.status, found.headers, found.body)


async def respond(call: Call, waits: Waits) -> Answer:
    """The answer to a call of one of `ROUTES`, whatever is wrong with it; raises `ClientGone`."""
    headers = call.headers
    here = context.RequestContext(
        request_id=request_id_of(headers.get("x-request-id", "")),
        address=address_of(call.remote, headers.get("x-forwarded-for", "")),
        user_agent=headers.get("user-agent", "")[:200],
    )
    context.begin(here)
    more: Headers = []
    try:
        status, body, is_replay = await _answered(call, here.address, waits)
        if is_replay:
            more = [REPLAYED]
    except ClientGone:
        raise
    except Exception as error:  # whatever it is, the caller is answered in the shape of the API
        status, body, more = _refusal(error)
    length = ("Content-Length", str(len(body)))
    return Answer(status, [*COMMON, ("X-Request-Id", here.request_id), length, *more], body)


async def _answered(call: Call, address: str, waits: Waits) -> tuple[int, bytes, bool]:
    headers = call.headers
    if not _is_ours(headers.get("host", "")):
        raise errors.Refused("The Host header is not ours.")
    route = ROUTES[call.path]
    principal = await _caller(headers, address, waits)
    if call.method != "POST":
        raise errors.MethodNotAllowed()
    if call.query:
        _refuse_query(call.query)
    media_type = _media_type(headers.get("content-type", ""))
    if media_type not in route.media_types:
        raise errors.UnsupportedMediaType()
    body = await _body(headers.get("content-length", ""), route.most_bytes, waits)
    return await route.run(principal, body, media_type, headers.get("idempotency-key"), waits)


@lru_cache(maxsize=1_024)
def _is_ours(host: str) -> bool:
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


async def _caller(headers: Mapping[str, str], address: str, waits: Waits) -> Principal:
    """The tenant behind the key. An admin's key does not track, not even for its tenants (A18)."""
    raw = raw_key(headers.get("authorization", ""), headers.get("x-api-key", ""))
    principal = auth.resolve_held(raw)
    if principal is None:
        principal = await waits.run(auth.resolve, raw, address)
    if "x-tenant-id" in headers:
        principal = await waits.run(_covered, principal, headers["x-tenant-id"])
    if principal.tenant_id is None or principal.acting_as:
        raise errors.InsufficientScope("Tracking needs the tenant's own key.")
    return principal


def _covered(principal: Principal, tenant_header: str) -> Principal:
    identify(principal)  # a refusal is kept in the audit trail
    return covered(principal, tenant_header)


def _refuse_query(query: str) -> None:
    name = next(iter(parse_qsl(query, keep_blank_values=True)), ("",))[0]
    raise errors.invalid(name[:100], "unknown_field", "Unknown query parameter.")


@lru_cache(maxsize=64)
def _media_type(header: str) -> str:
    """The media type; '' for a charset that is not UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in header.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8"}:
            return ""
    return media_type


async def _body(declared: str, most: int, waits: Waits) -> bytes:
    """The whole body; one byte too many and it is refused, whatever its length was said to be."""
    if declared and not (declared.isascii() and declared.isdigit() and len(declared) < 16):
        raise errors.MalformedBody("Content-Length is not a number.")
    if declared and int(declared) > most:
        raise errors.BodyTooLarge()
    body = await waits.body(most)
    if len(body) > most:
        raise errors.BodyTooLarge()
    if declared and len(body) != int(declared):
        raise errors.MalformedBody("The request body ended early.")
    return body


def _refusal(error: Exception) -> tuple[int, bytes, Headers]:
    public = handler.to_api_error(error)
    if public.status >= 500 or public.internal:
        log.info("request.refused", status=public.status, code=public.code, reason=public.internal)
    more = list(public.extra_headers().items())
    if isinstance(public, errors.MethodNotAllowed):
        more.append(("Allow", "POST"))
    return public.status, handler.body(public), more
