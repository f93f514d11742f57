"""Flask's adapter, by as much of an application as it touches."""

from typing import Any

from serving import TENANTS

from tenlyr.middleware import PlanRequiredError, Tenancy, TenantError, header
from tenlyr.middleware.flask import init_app
from tenlyr.middleware.wsgi import TenantMiddleware


class Application:
    """What Flask offers: a WSGI application to wrap, and handlers of errors."""

    def __init__(self) -> None:
        self.wsgi_app: Any = lambda environ, start_response: []
        self.handlers: dict[Any, Any] = {}

    def register_error_handler(self, kind: Any, handler: Any) -> None:
        self.handlers[kind] = handler


def test_requests_get_their_tenant_and_errors_their_answer() -> None:
    app = Application()
    init_app(app, Tenancy(header(), TENANTS.get))
    assert isinstance(app.wsgi_app, TenantMiddleware)
    body, status = app.handlers[TenantError](PlanRequiredError(plan="growth"))
    assert (status, body["code"], body["plan"]) == (403, "plan_required", "growth")
