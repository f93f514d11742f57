"""The composition root as a Django app: it makes Tenlyr's Celery the current one."""

from typing import Any

from celery.signals import worker_process_init
from django.apps import AppConfig

from tenlyr.runtime.processes import follow_leader


class RuntimeConfig(AppConfig):
    name = "tenlyr.runtime"
    label = "runtime"

    def ready(self) -> None:
        import tenlyr.celery  # noqa: F401  # tasks are sent through it

        worker_process_init.connect(_follow, weak=False)


def _follow(**_: Any) -> None:
    """A pool process of Celery's ends with its main process, also with one that was killed."""
    follow_leader()
