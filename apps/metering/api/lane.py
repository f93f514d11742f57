"""The hot path's HTTP: tracking is answered here, before Django's handler is even touched
(ADR-0004).

Everything a client can see is as elsewhere in the API: headers, statuses, error bodies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.db import close_old_connections, connections
from django.http.request import split_domain_port, validate_host

from apps.metering import track
from tenlyr.core import auth, context, errors
from tenlyr.core.api import handler
from tenlyr.core.api.authentication import covered, identify, raw_key
from tenlyr.core.api.middleware import address_of, request_id_of
from tenlyr.core.principal import Principal

log = structlog.get_logger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], Any]

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
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


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
    run: Callable[[Principal, bytes, str, str | None], tuple[int, bytes, bool]]


def _track(
    principal: Principal, body: bytes, media_type: str, key: str | None
) -> tuple[int, bytes, bool]:
    content, is_replay = track.one(principal, body, key)
    return 201, content, is_replay


def _track_batch(
    principal: Principal, body: bytes, media_type: str, key: str | None
) -> tuple[int, bytes, bool]:
    return 200, track.many(principal, body, key, is_lines=media_type in LINES_TYPES), False


ROUTES = {
    "/api/v1/usage/track": Route(1 << 20, JSON_TYPES, _track),
    "/api/v1/usage/track/batch": Route(16 << 20, JSON_TYPES | LINES_TYPES, _track_batch),
}


def run(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer a request for one of `ROUTES`, as a WSGI application does."""
    answer = respond(environ)
    start_response(STATUS_LINES[answer.status], answer.headers)
    return [answer.body]


def respond(environ: Environ) -> Answer:
    """The answer to a request for one of `ROUTES`; never raises."""
    here = context.RequestContext(
        request_id=request_id_of(environ.get("HTTP_X_REQUEST_ID", "")),
        address=address_of(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")),
        user_agent=environ.get("HTTP_USER_AGENT", "")[:200],
    )
    context.begin(here)
    try:
        status, body, is_replay = _answered(environ)
        more: Headers = [REPLAYED] if is_replay else []
    except Exception as error:
        status, body, more = _refusal(error)
    finally:
        # A thread that asked Postgres for a key gives the connection back to the pool.
        if connections["default"].connection is not None:
            close_old_connections()
    length = ("Content-Length", str(len(body)))
    return Answer(status, [*COMMON, ("X-Request-Id", here.request_id), length, *more], body)


def _answered(environ: Environ) -> tuple[int, bytes, bool]:
    if not _is_ours(environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")):
        raise errors.Refused("The Host header is not ours.")
    route = ROUTES[environ["PATH_INFO"]]
    principal = _caller(environ)
    if environ["REQUEST_METHOD"] != "POST":
        raise errors.MethodNotAllowed()
    if environ.get("QUERY_STRING"):
        _refuse_query(environ["QUERY_STRING"])
    media_type = _media_type(environ.get("CONTENT_TYPE", ""))
    if media_type not in route.media_types:
        raise errors.UnsupportedMediaType()
    body = _body(environ, route.most_bytes)
    return route.run(principal, body, media_type, environ.get("HTTP_IDEMPOTENCY_KEY"))


@lru_cache(maxsize=1_024)
def _is_ours(host: str) -> bool:
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def _caller(environ: Environ) -> Principal:
    """The tenant behind the key. An admin's key does not track, not even for its tenants (A18)."""
    raw = raw_key(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_API_KEY", ""))
    principal = auth.resolve(raw, context.current().address)
    identify(principal)
    if "HTTP_X_TENANT_ID" in environ:
        principal = covered(principal, environ["HTTP_X_TENANT_ID"])
    if principal.tenant_id is None or principal.acting_as:
        raise errors.InsufficientScope("Tracking needs the tenant's own key.")
    return principal


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


def _body(environ: Environ, most: int) -> bytes:
    """The whole body; one byte too many and it is refused, whatever its length was said to be."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if not declared:
        body: bytes = environ["wsgi.input"].read(most + 1)
    elif not (declared.isascii() and declared.isdigit() and len(declared) < 16):
        raise errors.MalformedBody("Content-Length is not a number.")
    elif int(declared) > most:
        raise errors.BodyTooLarge()
    else:
        body = environ["wsgi.input"].read(int(declared))
        if len(body) != int(declared):
            raise errors.MalformedBody("The request body ended early.")
    if len(body) > most:
        raise errors.BodyTooLarge()
    return body


def _refusal(error: Exception) -> tuple[int, bytes, Headers]:
    public = handler.to_api_error(error)
    if public.status >= 500 or public.internal:
        log.info("request.refused", status=public.status, code=public.code, reason=public.internal)
    more = list(public.extra_headers().items())
    if isinstance(public, errors.MethodNotAllowed):
        more.append(("Allow", "POST"))
    return public.status, handler.body(public), more
