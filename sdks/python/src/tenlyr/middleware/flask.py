"""For Flask: `init_app(app, tenancy)`."""

from typing import Any, Dict, Tuple

from tenlyr.middleware._tenants import TenantError
from tenlyr.middleware.tenancy import Tenancy
from tenlyr.middleware.wsgi import TenantMiddleware


def init_app(app: Any, tenancy: Tenancy) -> None:
    """Give each request of a Flask application its tenant; errors of views become answers, too."""
    app.wsgi_app = TenantMiddleware(app.wsgi_app, tenancy)
    app.register_error_handler(TenantError, _answer)


def _answer(error: TenantError) -> Tuple[Dict[str, Any], int]:
    return error.body, error.status
