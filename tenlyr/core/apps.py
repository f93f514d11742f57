"""The kernel as a Django app: it owns the idempotency records and the key epochs."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "tenlyr.core"
    label = "core"
