"""Django's WSGI application: every route, also those that a web process answers before it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenlyr.settings")
application = get_wsgi_application()
