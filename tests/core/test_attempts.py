"""Guessing keys costs the guesser more than us (X8, T02)."""

from collections.abc import Callable
from types import ModuleType

import pytest

from tenlyr.core import attempts, auth, errors, keys, redis
from tenlyr.core.keys import Kind
from tests.cast import Account, Api
from tests.core import outages

pytestmark = pytest.mark.usefixtures("cold")


def guess(address: str, raw: str | None = None) -> int:
    """The status of one wrong key."""
    try:
        auth.resolve(raw or keys.generate(Kind.TENANT), address)
    except errors.ApiError as error:
        return error.status
    return 200


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every digest for which Postgres was asked."""
    seen: list[bytes] = []

    def counted(digest: bytes) -> None:
        seen.append(digest)

    monkeypatch.setitem(auth._loaders, Kind.TENANT, counted)
    return seen


def test_after_twenty_failures_postgres_is_asked_no_more(
    address: str, lookups: list[bytes]
) -> None:
    assert [guess(address) for _ in range(30)] == [401] * 20 + [429] * 10
    assert len(lookups) == attempts.MOST_PER_MINUTE


def test_the_refusal_says_when_to_come_back_and_the_minute_ends(address: str) -> None:
    for _ in range(attempts.MOST_PER_MINUTE):
        guess(address)
    with pytest.raises(errors.RateLimited) as raised:
        auth.resolve(keys.generate(Kind.TENANT), address)
    assert raised.value.extra_headers() == {"Retry-After": "60"}
    assert 0 < redis.client().ttl(redis.failures(address)) <= 60
    redis.client().delete(redis.failures(address))
    assert guess(address) == 401


def test_other_addresses_and_known_callers_are_not_touched(
    address: str, workspace: Account
) -> None:
    auth.resolve(workspace.key, address)
    while guess(address) != 429:
        pass
    assert auth.resolve(workspace.key, address).workspace_id == workspace.id
    assert guess(f"{address}0") == 401


def test_without_redis_the_process_counts(
    address: str, lookups: list[bytes], stopped: Callable[[ModuleType], list[float]]
) -> None:
    now = stopped(attempts)
    with outages.redis_away():
        assert [guess(address) for _ in range(25)] == [401] * 20 + [429] * 5
        now[0] += 61
        assert guess(address) == 401
    assert len(lookups) == 21


def test_a_key_refused_a_moment_ago_is_not_looked_up_again(
    address: str, lookups: list[bytes], later: Callable[[float], None]
) -> None:
    raw = keys.generate(Kind.TENANT)
    assert [guess(f"{address}{n}", raw) for n in range(5)] == [401] * 5
    assert len(lookups) == 1
    later(attempts.UNKNOWN_FOR_S + 1)
    assert guess(address, raw) == 401
    assert len(lookups) == 2


def test_what_is_remembered_is_bounded(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_REMEMBERED", 3)
    for n in range(10):
        guess(f"{address}{n}")
    assert len(attempts._unknown) <= 3
    with outages.redis_away():
        for n in range(10):
            guess(f"{address}{n}")
    assert len(attempts._local) <= 3


def test_over_http_it_is_a_429(address: str, api: Api) -> None:
    api._client.defaults["REMOTE_ADDR"] = address
    statuses = [api.get("/api/v1/tenants", key=keys.generate(Kind.ADMIN)).status for _ in range(22)]
    assert statuses == [401] * 20 + [429] * 2
    assert api.get("/api/v1/tenants", key=keys.generate(Kind.ADMIN)).headers["Retry-After"] == "60"
