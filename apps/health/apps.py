"""How each tenant is: error rate, load and latency of the last minutes, and their history."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "apps.health"
    label = "health"

    def ready(self) -> None:
        from apps.health import holding
        from tenlyr.core import registry

        registry.register(holding.HOLDING)
