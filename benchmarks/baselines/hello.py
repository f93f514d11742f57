"""The anchor: a bare Django view that reads a JSON body and answers 200, without any middleware."""

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a benchmark has no secrets",  # noqa: S106
)


def hello(request: HttpRequest) -> JsonResponse:
    """Read the body as JSON, answer a word."""
    body = json.loads(request.body)
    return JsonResponse({"hello": body["metric"]})


urlpatterns = [path("hello", hello)]
application = get_wsgi_application()
