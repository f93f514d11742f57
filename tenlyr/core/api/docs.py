"""The API's document as a page: GET only, and refusals in the shape that all others have."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.views import SpectacularSwaggerSplitView

from tenlyr.core.api import handler


class DocsView(SpectacularSwaggerSplitView):
    """Swagger's page over `openapi.json`; it has no form for an error, and none for OPTIONS."""

    http_method_names = ["get", "head"]

    def handle_exception(self, exc: Exception) -> Any:
        """The error as JSON (A8): this view's renderer would look for a template of it."""
        refused: HttpResponse = handler.respond(handler.to_api_error(exc))
        return refused
