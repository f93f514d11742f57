"""What every request gets, and what only people in a browser get."""

from collections.abc import Callable
from functools import reduce
from io import BytesIO

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.module_loading import import_string

from tenlyr.core import context, errors, ids
from tenlyr.core.api import handler

log = structlog.get_logger(__name__)

Handler = Callable[[HttpRequest], HttpResponseBase]
LONGEST_ID = 64


def request_id_of(given: str) -> str:
    """The caller's own request id if it is a plain one, else a new one."""
    if not given:
        return ids.request_id()
    plain = given.isascii() and given.replace("-", "").replace("_", "").isalnum()
    return given if plain and len(given) <= LONGEST_ID else ids.request_id()


def address_of(remote: str, forwarded: str) -> str:
    """The caller's address; X-Forwarded-For counts only from a proxy we were told to trust
    (B11).
    """
    if remote in settings.TRUSTED_PROXIES and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()[:64]
    return remote


def bound_body(request: HttpRequest) -> None:
    """Refuse a body above the limit; give one that came in chunks the length it lacks (B01)."""
    meta, most = request.META, settings.BODY_LIMIT_BYTES
    declared = meta.get("CONTENT_LENGTH") or ""
    if not declared and "HTTP_TRANSFER_ENCODING" in meta:
        # Django reads no body without a length, as if nothing had been sent.
        body = meta["wsgi.input"].read(most + 1)
        declared = meta["CONTENT_LENGTH"] = str(len(body))
        request._stream = BytesIO(body)
    if declared and not (declared.isascii() and declared.isdigit() and len(declared) < 16):
        raise errors.MalformedBody("Content-Length is not a number.")
    if int(declared or 0) > most:
        raise errors.BodyTooLarge()


class RequestMiddleware:
    """A request id in logs and answer, a bound on the body, and no error page that is not ours."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        here = context.RequestContext(
            request_id=request_id_of(meta.get("HTTP_X_REQUEST_ID", "")),
            address=address_of(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", "")),
            user_agent=meta.get("HTTP_USER_AGENT", "")[:200],
        )
        context.begin(here)
        answer = self._answer(request)
        answer["X-Request-Id"] = here.request_id
        answer.setdefault("Cache-Control", "no-store")
        for name, value in (here.answer_headers or {}).items():
            answer[name] = value
        if isinstance(answer, HttpResponse):  # a whole one: without its length it goes in chunks
            answer.setdefault("Content-Length", str(len(answer.content)))
        return answer

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer for a plain view as for one of REST framework; a bug goes Django's own way."""
        if not handler.is_foreseen(exception):
            return None
        return handler.respond(handler.to_api_error(exception))

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
            bound_body(request)
            return self.get_response(request)
        except DisallowedHost as error:
            return handler.respond(
                errors.Refused("The Host header is not ours.", internal=str(error))
            )
        except errors.ApiError as error:
            return handler.respond(error)


class BrowserOnly:
    """Sessions, CSRF and messages for the pages of people; the API has no session to protect."""

    def __init__(self, get_response: Handler) -> None:
        self.plain = get_response
        wrap = reversed([import_string(path) for path in settings.BROWSER_MIDDLEWARE])
        self.browser: Handler = reduce(lambda inner, outer: outer(inner), wrap, get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        for_machines = request.path.startswith(("/api/", "/livez", "/readyz"))
        if for_machines:
            return self.plain(request)
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return handler.respond(errors.Refused("The address holds a NUL."))
        _drop_impossible_session(request)
        return self.browser(request)


def _drop_impossible_session(request: HttpRequest) -> None:
    """A cookie can spell a NUL, which no database takes for a session's key: as if it was not
    there.
    """
    name = settings.SESSION_COOKIE_NAME
    if not request.COOKIES.get(name, "x").isalnum():
        del request.COOKIES[name]
