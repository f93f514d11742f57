"""The tenant-owned tables of metering, in every Location's schema."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "apps.metering.store"
    label = "usage"
