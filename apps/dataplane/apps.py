"""The operator's own tables: released once, in every tenant's place, fenced by login."""

from django.apps import AppConfig


class DataplaneConfig(AppConfig):
    name = "apps.dataplane"
    label = "dataplane"

    def ready(self) -> None:
        from apps.dataplane import blocking, holding, moving, residence, setting_up
        from apps.isolation import public as isolation
        from tenlyr.core import events, registry

        isolation.database_part("dataplane", setting_up.elsewhere_sql())
        isolation.register_part(moving.OperatorTables())
        events.subscribe(residence.on_event)
        events.subscribe(blocking.on_event)
        registry.register(holding.HOLDING)
