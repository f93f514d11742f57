"""HOW MUCH: track, stream, store, rollups, limits."""

from django.apps import AppConfig


class MeteringConfig(AppConfig):
    name = "apps.metering"
    label = "metering"

    def ready(self) -> None:
        from apps.metering import purging, readiness, selectors
        from tenlyr.core import registry
        from tenlyr.core.api import liveness

        liveness.check_with("metering", readiness.check)
        registry.register(
            registry.Holding(
                "usage",
                (*purging.TABLES, "metering_dead_letter"),
                selectors.all_events,
                purging.purge,
            )
        )
