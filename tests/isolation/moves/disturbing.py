"""Something happens right before a statement of a step of a move: once for each step given.

The statements are those of the thread that runs the move; how many a step has, an undisturbed
move says. One that has fewer this time, because it had to try less often, is disturbed at its end.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, connections

from apps.isolation import models
from apps.isolation.moves import running
from apps.isolation.moves.journey import Journey
from apps.isolation.public import run_move

BOUND_S = 100
Act = Callable[[Journey], None]


class Disturbance:
    """`act` before the statement that `plan` names for a step; `done` tells of which it was."""

    def __init__(self, plan: dict[str, int], act: Act) -> None:
        self._plan, self._act = dict(plan), act
        self.counts: Counter[str] = Counter()
        self.done: list[str] = []
        self._thread = threading.get_ident()
        self._step = ""
        self._journey: Journey | None = None

    @contextmanager
    def planted(self) -> Iterator["Disturbance"]:
        """In the block it happens."""
        with pytest.MonkeyPatch.context() as patch:
            for name, work in list(running.STEPS.items()):
                patch.setitem(running.STEPS, name, self._named(name, work))
            for method in ("execute", "copy"):
                work = getattr(psycopg.Cursor, method)
                patch.setattr(psycopg.Cursor, method, self._counting(work))
            yield self

    def _named(self, name: str, work: Act) -> Act:
        def begin(journey: Journey) -> None:
            self._step, self._journey = name, journey
            self.counts[name] = 0
            try:
                work(journey)
                if name in self._plan:
                    self._disturb(journey)
            finally:
                self._step = ""

        return begin

    def _disturb(self, journey: Journey) -> None:
        step, self._step = self._step, ""  # what the act asks is not counted
        del self._plan[step]
        self.done.append(step)
        self._act(journey)
        self._step = step

    def _counting(self, work: Any) -> Any:
        def begin(*args: Any, **more: Any) -> Any:
            step, journey = self._step, self._journey
            if step and journey is not None and threading.get_ident() == self._thread:
                self.counts[step] += 1
                if self._plan.get(step) == self.counts[step]:
                    self._disturb(journey)
            return work(*args, **more)

        return begin


def counts_of(move_id: UUID) -> Counter[str]:
    """Run a move that nothing disturbs; its statements by step."""
    with Disturbance({}, lambda journey: None).planted() as found:
        assert run_move(move_id).status == "completed"
    return found.counts


def run_to_the_end(move_id: UUID) -> models.Move:
    """Run a move as the worker and its sweep do, until it is at its end."""
    deadline = time.monotonic() + BOUND_S
    while True:
        assert time.monotonic() < deadline, "the move does not come to its end"
        try:
            move = run_move(move_id)
        except (psycopg.Error, DatabaseError, InterfaceError):
            connections.close_all()  # as Celery does at the end of each task
            continue
        if move.status not in running.ACTIVE:
            return move
