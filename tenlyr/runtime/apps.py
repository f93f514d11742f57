"""The composition root as a Django app: it makes Tenlyr's Celery the current one."""

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "tenlyr.runtime"
    label = "runtime"

    def ready(self) -> None:
        import tenlyr.celery  # noqa: F401  # tasks are sent through it
