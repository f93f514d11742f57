"""The web processes' entry: tracking on its own lane, everything else through Django's threads."""

from tenlyr.wsgi import application as django_application

# isort: split
# Only now: these modules need the settings and the app registry.
import gc

from django.conf import settings
from django.urls import get_resolver

from apps.metering.api import lane
from tenlyr.core import epochs
from tenlyr.core.api.bridge import Bridge, Receive, Scope, Send

epochs.watch()
bridge = Bridge(
    django_application, threads=settings.WEB_THREADS, most_bytes=settings.BODY_LIMIT_BYTES
)

# What is loaded stays: a collection that looked at it again would stop every request meanwhile.
get_resolver().url_patterns  # noqa: B018  # loads every view
gc.collect()
gc.freeze()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["path"] in lane.ROUTES:
        await lane.serve(scope, receive, send, bridge.run)
    else:
        await bridge(scope, receive, send)
