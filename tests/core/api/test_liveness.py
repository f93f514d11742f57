"""`/livez` and `/readyz`: the process answers; its parts work, or are named (A8)."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenlyr.core import redis
from tenlyr.core.api import liveness
from tests.cast import Api
from tests.core import outages


@pytest.fixture
def part() -> Iterator[Callable[[liveness.Check], None]]:
    """Adds a part for the time of the test."""
    yield lambda check: liveness.check_with("tests", check)
    liveness._checks.pop("tests", None)


def parts(api: Api) -> tuple[int, dict[str, Any]]:
    """Status of `/readyz` and what it says of its own parts."""
    answer = api.get("/readyz")
    return answer.status, answer.body["parts"]


def test_alive_is_alive_whatever_is_away(api: Api) -> None:
    with outages.redis_away(), outages.postgres_away():
        answer = api.get("/livez")
    assert (answer.status, answer.body) == (200, {"status": "ok", "pid": os.getpid()})


def test_the_parts_that_work_say_so(api: Api) -> None:
    _, shown = parts(api)
    assert shown["postgres"] == {"status": "ok"}
    assert shown["redis"]["status"] == "ok"


def test_redis_away_is_named(api: Api) -> None:
    with outages.redis_away():
        status, shown = parts(api)
    assert status == 503
    assert shown["redis"] == {"status": "failed"}
    assert shown["postgres"] == {"status": "ok"}


def test_postgres_away_is_named(api: Api) -> None:
    with outages.postgres_away():
        status, shown = parts(api)
    assert status == 503
    assert shown["postgres"] == {"status": "failed"}
    assert shown["redis"]["status"] == "ok"


def test_an_apps_part_is_shown(api: Api, part: Callable[[liveness.Check], None]) -> None:
    part(lambda: {"lag": 3})
    assert parts(api)[1]["tests"] == {"status": "ok", "lag": 3}


def test_an_apps_part_that_fails_makes_us_not_ready(
    api: Api, part: Callable[[liveness.Check], None]
) -> None:
    def away() -> dict[str, Any]:
        raise RuntimeError("secret reason")

    part(away)
    answer = api.get("/readyz")
    assert (answer.status, answer.body["status"]) == (503, "not ready")
    assert answer.body["parts"]["tests"] == {"status": "failed"}
    assert "secret reason" not in str(answer.body)


@pytest.fixture
def appendfsync() -> Iterator[Callable[[str, str], None]]:
    """Changes the server's persistence for the time of the test."""
    client = redis.client()
    before = {**client.config_get("appendonly"), **client.config_get("appendfsync")}

    def change(appendonly: str, policy: str) -> None:
        client.config_set("appendonly", appendonly)
        client.config_set("appendfsync", policy)

    yield change
    for name, value in before.items():
        client.config_set(name, value)


@pytest.mark.parametrize(
    ("appendonly", "policy", "durability"),
    [
        ("yes", "always", "disk"),
        ("yes", "everysec", "memory"),
        ("no", "always", "memory"),
    ],
)
def test_durability_is_said_as_it_is(
    appendfsync: Callable[[str, str], None],
    api: Api,
    appendonly: str,
    policy: str,
    durability: str,
) -> None:
    appendfsync(appendonly, policy)
    assert parts(api)[1]["redis"] == {"status": "ok", "durability": durability}
