"""For ASGI, so FastAPI and Starlette: `app.add_middleware(TenantMiddleware, tenancy=tenancy)`."""

import json
import time
from typing import Any, Awaitable, Callable, MutableMapping
from urllib.parse import parse_qsl

from tenlyr.middleware._tenants import TenantError
from tenlyr.middleware.resolving import RequestView
from tenlyr.middleware.tenancy import Tenancy, as_current

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class TenantMiddleware:
    """Gives each HTTP request its tenant; a `TenantError`, the view's too, becomes its answer."""

    def __init__(self, app: App, tenancy: Tenancy) -> None:
        self._app = app
        self._tenancy = tenancy

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it; what is not HTTP goes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, tenant = time.monotonic(), 0, None

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            tenant = await self._tenancy.find_async(view(scope))
            await self._tenancy.check_async(tenant)
            with as_current(tenant):
                await self._app(scope, receive, sending)
        except TenantError as error:
            if status:
                raise
            await _refuse(error, sending)
        finally:
            took_s = time.monotonic() - began
            counted = self._tenancy.count(tenant, scope["path"], status or 500, took_s)
            if counted is not None:
                await counted


def view(scope: Message) -> RequestView:
    """A request as resolvers see it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
    return RequestView(scope["method"], headers.get("host", ""), scope["path"], query, headers)


async def _refuse(error: TenantError, send: Send) -> None:
    content = json.dumps(error.body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
