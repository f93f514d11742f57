"""The web processes' entry: tracking on its own lane, everything else through Django."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenlyr.settings")
django_application: Any = get_wsgi_application()

# Only now: these modules need the settings and the app registry.
from apps.metering.api import lane  # noqa: E402
from tenlyr.core import epochs  # noqa: E402

epochs.watch()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    if environ["PATH_INFO"] in lane.ROUTES:
        return lane.run(environ, start_response)
    answer: Iterable[bytes] = django_application(environ, start_response)
    return answer
