"""How each tenant is: error rate, load and latency of the last minutes, and their history."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "apps.health"
    label = "health"

    def ready(self) -> None:
        from apps.health import alerting, holding, listening
        from tenlyr.core import events, registry

        registry.register(holding.HOLDING)
        registry.register(alerting.HOLDING)
        events.subscribe(listening.listen)
