"""A tracking endpoint as one writes it by hand: token, serializer, one ORM INSERT.

`python -m benchmarks.baselines.drf_endpoint N` makes the tables and N users, prints their tokens.
"""

import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

_database = urlsplit(os.environ["BENCH_DATABASE_URL"])
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _database.hostname,
            "PORT": _database.port,
            "NAME": _database.path.lstrip("/"),
            "USER": _database.username,
            "PASSWORD": _database.password,
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY="a benchmark has no secrets",  # noqa: S106
    USE_TZ=True,
)
django.setup()

# Only now: these need the settings.
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.generics import CreateAPIView  # noqa: E402


class Usage(models.Model):
    """An event; indexed as one must to read it again."""

    objects: "models.Manager[Usage]"
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    metric = models.CharField(max_length=32)
    value = models.PositiveIntegerField()
    endpoint = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "auth"
        db_table = "usage"
        indexes = [models.Index(fields=["user", "created_at"], name="usage_newest")]

    def __str__(self) -> str:
        return self.metric


class UsageSerializer(serializers.ModelSerializer[Usage]):
    """Both ways."""

    class Meta:
        model = Usage
        fields = ["id", "metric", "value", "endpoint", "created_at"]


class UsageView(CreateAPIView[Usage]):
    """Store one event of the caller's."""

    serializer_class = UsageSerializer
    queryset = Usage.objects.all()

    def perform_create(self, serializer: Any) -> None:
        """Whose it is comes from the token."""
        serializer.save(user=self.request.user)


urlpatterns = [path("usage", UsageView.as_view())]
application = get_wsgi_application()


def prepare(count: int) -> list[str]:
    """The tables and `count` users; their tokens."""
    call_command("migrate", verbosity=0, interactive=False)
    with connection.schema_editor() as editor:
        editor.create_model(Usage)
    users = User.objects.bulk_create(User(username=f"user-{n}") for n in range(count))
    tokens = [Token(user=user, key=Token.generate_key()) for user in users]
    return [token.key for token in Token.objects.bulk_create(tokens)]


if __name__ == "__main__":
    print(json.dumps(prepare(int(sys.argv[1]))))
