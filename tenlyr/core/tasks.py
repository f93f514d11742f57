"""Background work: tasks carry ids only and start after the commit that makes them due (R8)."""

import time
from functools import partial
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


# When a task that was sent ahead starts (monotonic seconds): until then it stands for later ones.
_starts: dict[tuple[str, ...], float] = {}


def after_commit(task: str, *args: str, delay_s: float = 0.0) -> None:
    """Start `task` (`<app>.<verb>`) once the transaction at hand is committed.

    With `delay_s` it starts that much later, and once for all commits of this process until then.
    """
    transaction.on_commit(partial(_send_ahead if delay_s else _send, task, args, delay_s))


def resume(task: str, *args: str, expires_s: float) -> None:
    """Start `task` again; a sweep does so each round. A message that no worker took within
    `expires_s` is dropped: the sweep has sent another by then.
    """
    _send(task, args, expires_s=expires_s)


def _send_ahead(task: str, args: tuple[str, ...], delay_s: float) -> None:
    now = time.monotonic()
    if _starts.get((task, *args), 0.0) <= now and _send(task, args, delay_s):
        _starts[task, *args] = now + delay_s


def _send(
    task: str, args: tuple[Any, ...], delay_s: float = 0.0, expires_s: float | None = None
) -> bool:
    """A broker that is away delays the work until the task's sweep finds it; the act itself
    stands.
    """
    try:
        current_app.send_task(
            task, args=args, retry=False, countdown=delay_s or None, expires=expires_s
        )
    except OperationalError as error:
        log.warning("task.not_sent", task=task, reason=type(error).__name__)
        return False
    return True
