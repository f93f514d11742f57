"""Background work starts after the commit that makes it due, and carries ids only (R8)."""

import base64
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from tenlyr.core import redis, tasks
from tests.core import outages
from tests.core.transactions import undone

QUEUE = "celery"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def queued() -> Iterator[Callable[[], list[tuple[str, list[Any]]]]]:
    """The messages that wait in the broker: task and arguments of each."""
    redis.client().delete(QUEUE)

    def read() -> list[tuple[str, list[Any]]]:
        found = []
        for raw in reversed(redis.client().lrange(QUEUE, 0, -1)):
            message = json.loads(raw)
            assert message["content-type"] == "application/json"
            arguments = json.loads(base64.b64decode(message["body"]))[0]
            found.append((message["headers"]["task"], arguments))
        return found

    yield read
    redis.client().delete(QUEUE)


def test_it_is_sent_after_the_commit(queued: Callable[[], Any]) -> None:
    with transaction.atomic():
        tasks.after_commit("tests.work", "id-1")
        assert queued() == []
    assert queued() == [("tests.work", ["id-1"])]


def test_outside_a_transaction_it_is_sent_at_once(queued: Callable[[], Any]) -> None:
    tasks.after_commit("tests.work", "id-1", "id-2")
    assert queued() == [("tests.work", ["id-1", "id-2"])]


def test_what_is_sent_ahead_stands_for_later_ones(queued: Callable[[], Any]) -> None:
    """Until it starts it finds all that was committed; another one's arguments are another task."""
    with undone():
        tasks.after_commit("tests.ahead", delay_s=30)
    for _ in range(3):
        tasks.after_commit("tests.ahead", delay_s=30)
    tasks.after_commit("tests.ahead", "id-1", delay_s=30)
    assert queued() == [("tests.ahead", []), ("tests.ahead", ["id-1"])]


def test_what_is_sent_ahead_is_sent_again_once_it_started(queued: Callable[[], Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        now = [100.0]
        patch.setattr(tasks, "time", SimpleNamespace(monotonic=lambda: now[0]))
        for moment in (100.0, 101.9, 102.0, 103.0):
            now[0] = moment
            tasks.after_commit("tests.again", delay_s=2)
    assert queued() == [("tests.again", [])] * 2


def test_a_task_that_could_not_be_sent_ahead_stands_for_none(queued: Callable[[], Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app, "send_task", refuse)
        tasks.after_commit("tests.lost", delay_s=30)
    tasks.after_commit("tests.lost", delay_s=30)
    assert queued() == [("tests.lost", [])]


def refuse(*args: Any, **options: Any) -> None:
    """A broker that is away."""
    raise OperationalError


def test_what_is_rolled_back_never_starts(queued: Callable[[], Any]) -> None:
    with undone():
        tasks.after_commit("tests.work", "id-1")
    assert queued() == []


def test_a_broker_that_is_away_does_not_undo_the_act(logged: Lines) -> None:
    before = current_app.conf.broker_url
    away = f"redis://127.0.0.1:{outages.dead_port()}/0"
    current_app.conf.broker_url = away
    current_app._pool = current_app.amqp._producer_pool = None
    try:
        with transaction.atomic():
            tasks.after_commit("tests.work", "id-1")
    finally:
        current_app.conf.broker_url = before
        current_app._pool = current_app.amqp._producer_pool = None
    lines = [line for line in logged() if line["event"] == "task.not_sent"]
    assert [line["task"] for line in lines] == ["tests.work"]


def test_only_json_is_taken_from_the_broker() -> None:
    assert current_app.conf.accept_content == ["json"]
    assert current_app.conf.task_serializer == "json"


def test_every_scheduled_task_exists() -> None:
    current_app.loader.import_default_modules()
    scheduled = {one["task"] for one in current_app.conf.beat_schedule.values()}
    assert scheduled
    assert scheduled <= set(current_app.tasks)
