"""Background work: tasks carry ids only and start after the commit that makes them due (R8)."""

from functools import partial
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def after_commit(task: str, *args: str) -> None:
    """Start `task` (`<app>.<verb>`) once the transaction at hand is committed."""
    transaction.on_commit(partial(_send, task, args))


def _send(task: str, args: tuple[Any, ...]) -> None:
    """A broker that is away delays the work until the task's sweep finds it; the act itself
    stands.
    """
    try:
        current_app.send_task(task, args=args, retry=False)
    except OperationalError as error:
        log.warning("task.not_sent", task=task, reason=type(error).__name__)
