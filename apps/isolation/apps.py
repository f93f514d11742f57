"""WHERE rows live: Locations, Placements, scopes, and the nets that keep tenants apart."""

from django.apps import AppConfig


class IsolationConfig(AppConfig):
    name = "apps.isolation"
    label = "isolation"

    def ready(self) -> None:
        from apps.isolation.databases import aliases

        aliases.install()
