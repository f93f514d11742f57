"""One error body for every layer: REST framework, Django's own pages and the last resort (A8,
X62).
"""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.db.utils import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from tenlyr.core import context, errors
from tenlyr.core.api import wire
from tenlyr.core.redis import RedisError

log = structlog.get_logger(__name__)

# What REST framework and Django raise, in our words.
_TRANSLATED: tuple[tuple[type[BaseException], type[errors.ApiError]], ...] = (
    (exceptions.ParseError, errors.MalformedBody),
    (exceptions.NotAuthenticated, errors.AuthenticationFailed),
    (exceptions.AuthenticationFailed, errors.AuthenticationFailed),
    (exceptions.PermissionDenied, errors.InsufficientScope),
    (exceptions.MethodNotAllowed, errors.MethodNotAllowed),
    (exceptions.UnsupportedMediaType, errors.UnsupportedMediaType),
    (exceptions.NotFound, errors.NotFound),
    (Http404, errors.NotFound),
    (PermissionDenied, errors.Forbidden),
    (RequestDataTooBig, errors.BodyTooLarge),
    (SuspiciousOperation, errors.Refused),  # such as a query of a thousand parameters
    (RedisError, errors.Unavailable),
    (OperationalError, errors.Unavailable),
    (InterfaceError, errors.Unavailable),
    (PoolTimeout, errors.Unavailable),
)

_WHOLE_BODY = frozenset({"non_field_errors", "nonFieldErrors"})


def is_foreseen(error: BaseException) -> bool:
    """Whether the error has a public form, so that it is no bug."""
    return isinstance(error, (errors.ApiError, *(raised for raised, _ in _TRANSLATED)))


def to_api_error(error: BaseException) -> errors.ApiError:
    """The public error for whatever was raised; what we did not foresee is a logged 500."""
    if isinstance(error, errors.ApiError):
        return error
    if isinstance(error, exceptions.ValidationError):
        return errors.InvalidRequest(field_errors(error.get_full_details()))
    for raised, ours in _TRANSLATED:
        if isinstance(error, raised):
            return ours(internal=f"{type(error).__name__}: {error}"[:500])
    kind = "database.error" if isinstance(error, DatabaseError) else "request.failed"
    log.error(kind, exc_info=error)
    return errors.ApiError(internal=repr(error)[:500])


def field_errors(details: Any, path: str = "") -> list[dict[str, str]]:
    """REST framework's nested details as a flat list of field, code and message (X1).

    The names are those of the wire already: `WireSerializer` sees to it.
    """
    if isinstance(details, dict) and isinstance(details.get("message"), str):
        return [{"field": path, "code": details["code"], "message": details["message"]}]
    if isinstance(details, dict):
        steps = ((str(name), inner) for name, inner in details.items())
    else:
        steps = (("", inner) for inner in details)
    found: list[dict[str, str]] = []
    for name, inner in steps:
        name = "" if name in _WHOLE_BODY else name
        found += field_errors(inner, f"{path}.{name}" if path and name else path or name)
    return found


def body(error: errors.ApiError) -> bytes:
    """The error as JSON."""
    return wire.dumps(wire.camel_keys(error.body(context.current().request_id)))


def respond(error: errors.ApiError) -> HttpResponse:
    """The error as a plain Django answer."""
    if error.status >= 500 or error.internal:
        log.info("request.refused", status=error.status, code=error.code, reason=error.internal)
    answer = HttpResponse(body(error), status=error.status, content_type="application/json")
    for name, value in error.extra_headers().items():
        answer[name] = value
    return answer


def handle(error: Exception, _context: dict[str, Any]) -> Response:
    """REST framework's exception handler."""
    public = to_api_error(error)
    if public.status >= 500 or public.internal:
        log.info("request.refused", status=public.status, code=public.code, reason=public.internal)
    shown = wire.camel_keys(public.body(context.current().request_id))
    return Response(shown, status=public.status, headers=public.extra_headers())


def bad_request(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 400 (a bad Host header and its like)."""
    return respond(errors.Refused(internal=repr(exception)[:200]))


def forbidden(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 403."""
    return respond(errors.Forbidden(internal=repr(exception)[:200]))


def not_found(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 404: a path that is on no map."""
    return respond(errors.NotFound())


def server_error(_request: HttpRequest) -> HttpResponse:
    """The last resort."""
    return respond(errors.ApiError())
