"""HOW MUCH: track, stream, store, rollups, limits."""

from django.apps import AppConfig


class MeteringConfig(AppConfig):
    name = "apps.metering"
    label = "metering"

    def ready(self) -> None:
        from apps.isolation import public as isolation
        from apps.metering import elsewhere, moving, purging, readiness, selectors
        from tenlyr.core import registry
        from tenlyr.core.api import liveness

        liveness.check_with("metering", readiness.check)
        isolation.database_part("metering", elsewhere.SQL)
        isolation.register_part(moving.Usage())
        registry.register(
            registry.Holding(
                "usage",
                (*purging.TABLES, "metering_dead_letter"),
                selectors.all_events,
                purging.purge,
            )
        )
