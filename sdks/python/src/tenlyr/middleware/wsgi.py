"""For WSGI: what Flask's adapter stands on, and any other application."""

import json
import time
from http import HTTPStatus
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional
from urllib.parse import parse_qsl

from tenlyr.middleware._tenants import CurrentTenant, TenantError
from tenlyr.middleware.resolving import RequestView
from tenlyr.middleware.tenancy import Tenancy, as_current

Environ = Dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class TenantMiddleware:
    """Gives each request its tenant; a `TenantError` becomes its answer."""

    def __init__(self, app: App, tenancy: Tenancy) -> None:
        self._app = app
        self._tenancy = tenancy

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request, as WSGI has it."""
        began = time.monotonic()
        told: List[int] = []

        def start(status: str, *args: Any) -> Any:
            told.append(int(status.split(" ", 1)[0]))
            return start_response(status, *args)

        tenant: Optional[CurrentTenant] = None
        try:
            tenant = self._tenancy.find(view(environ))
            self._tenancy.check(tenant)
            with as_current(tenant):
                body = self._app(environ, start)
        except TenantError as error:
            body = _refuse(error, start)
        except BaseException:
            self._count(tenant, environ, 500, began)
            raise
        return _Counted(
            body, tenant, lambda: self._count(tenant, environ, (told or [500])[-1], began)
        )

    def _count(
        self, tenant: Optional[CurrentTenant], environ: Environ, status: int, began: float
    ) -> None:
        later = self._tenancy.count(
            tenant, environ.get("PATH_INFO", ""), status, time.monotonic() - began
        )
        if later is not None:
            raise TypeError("an async buffer in a framework that is not")


class _Counted:
    """A body in whose pieces the tenant is still known, and which is counted at its end."""

    def __init__(
        self, body: Iterable[bytes], tenant: Optional[CurrentTenant], count: Callable[[], None]
    ) -> None:
        self._body = body
        self._tenant = tenant
        self._count = count

    def __iter__(self) -> Iterator[bytes]:
        pieces = iter(self._body)
        while True:
            with as_current(self._tenant):
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            yield piece

    def close(self) -> None:
        """WSGI servers call it at the end, whatever came of the request."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._count()


def view(environ: Environ) -> RequestView:
    """A request as resolvers see it."""
    headers = {
        name[len("HTTP_") :].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    host = headers.get("host") or environ.get("SERVER_NAME", "")
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    return RequestView(environ.get("REQUEST_METHOD", ""), host, path, query, headers)


def _refuse(error: TenantError, start: Callable[..., Any]) -> List[bytes]:
    content = json.dumps(error.body).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start(f"{error.status} {HTTPStatus(error.status).phrase}", headers)
    return [content]
