"""Webhooks: the outbox of events; delivery comes with its own feature."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "apps.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from apps.webhooks import outbox
        from tenlyr.core import events, registry

        events.subscribe(outbox.keep)
        registry.register(outbox.HOLDING)
