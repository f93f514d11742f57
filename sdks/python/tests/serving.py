"""The same small application in every framework, asked the same way."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from replaying import KEYS

from tenlyr.middleware import (
    CurrentTenant,
    Tenancy,
    asgi,
    current_tenant,
    require_plan,
    requires,
    wsgi,
)

TENANTS = {
    "acme": CurrentTenant("t1", "acme", "active", "growth", KEYS["$TENANT"]),
    "low": CurrentTenant("t2", "low", "active", "starter", KEYS["$OTHER_TENANT"]),
    "late": CurrentTenant("t3", "late", "suspended", "growth"),
    "gone": CurrentTenant("t4", "gone", "terminated", "growth"),
}


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: Any


@requires(require_plan("growth"))
def reports() -> str:
    """What needs a plan."""
    return "reports of " + current_tenant().slug


def page(path: str) -> tuple[int, str]:
    """What the application answers at a path."""
    if path.endswith("/broken"):
        return 503, "broken"
    return 200, reports() if path.endswith("/reports") else current_tenant().slug


Ask = Callable[..., Answer]


def ask_wsgi(tenancy: Tenancy, url: str, headers: Mapping[str, str] = {}) -> Answer:
    """One request to a WSGI application."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status, text = page(environ["PATH_INFO"])
        start_response(f"{status} Told", [("Content-Type", "text/plain")])
        return [text.encode()]

    parts = urlsplit(url)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "HTTP_HOST": parts.netloc,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    told: list[int] = []
    body: Any = wsgi.TenantMiddleware(app, tenancy)(
        environ, lambda status, *args: told.append(int(status[:3]))
    )
    content = b"".join(body)
    body.close()
    return Answer(told[0], _read(content))


def ask_asgi(tenancy: Tenancy, url: str, headers: Mapping[str, str] = {}) -> Answer:
    """One request to an ASGI application."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        status, text = page(scope["path"])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    parts = urlsplit(url)
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    named = {"host": parts.netloc, **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
    }
    asyncio.run(asgi.TenantMiddleware(app, tenancy)(scope, receive, send))
    return Answer(told[0]["status"], _read(told[1]["body"]))


def _read(content: bytes) -> Any:
    text = content.decode()
    return json.loads(text) if text.startswith("{") else text
