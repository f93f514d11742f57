"""HOW MUCH: track, stream, store, rollups, limits."""

from django.apps import AppConfig


class MeteringConfig(AppConfig):
    name = "apps.metering"
    label = "metering"
