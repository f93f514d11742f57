"""The web processes' entry: tracking on its own lane, everything else through Django's threads."""

from tenlyr.wsgi import application as django_application

# isort: split
# Only now: these modules need the settings and the app registry.
from django.conf import settings

from apps.metering.api import lane
from tenlyr.core import epochs
from tenlyr.core.api.bridge import Bridge, Receive, Scope, Send

epochs.watch()
bridge = Bridge(
    django_application, threads=settings.WEB_THREADS, most_bytes=settings.BODY_LIMIT_BYTES
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["path"] in lane.ROUTES:
        await lane.serve(scope, receive, send, bridge.run)
    else:
        await bridge(scope, receive, send)
