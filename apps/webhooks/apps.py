"""Webhooks: the outbox of events, and their delivery to endpoints."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "apps.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from apps.webhooks import holding, outbox
        from tenlyr.core import events, registry

        events.subscribe(outbox.keep)
        for one in (outbox.HOLDING, holding.ENDPOINTS, holding.DELIVERIES):
            registry.register(one)
