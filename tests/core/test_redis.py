"""The one door to Redis: names of keys, the hot path's connection, time-outs (F13, R14, R18)."""

import threading
from contextlib import closing
from uuid import UUID, uuid4

import pytest
from django.test import override_settings

from tenlyr.core import redis
from tenlyr.core.redis import NoScriptError, RedisError, ResponseError, TimeoutError
from tests.core import outages
from tests.core.egress.receivers import Canary

TENANT = UUID("01a1fc7a-9875-7907-a9ff-a2c7536e2851")


class TestNames:
    def test_a_tenants_shard_never_changes(self) -> None:
        # Counters and streams in every running installation hang on this.
        assert redis.shard_of(TENANT) == 62
        assert redis.shard_of(UUID(int=0)) == redis.shard_of(UUID(int=0))

    def test_shards_are_used_evenly(self) -> None:
        counts = [0] * redis.SHARDS
        for _ in range(6_400):
            counts[redis.shard_of(uuid4())] += 1
        assert min(counts) > 50
        assert max(counts) < 160

    def test_what_one_script_touches_shares_its_hash_tag(self) -> None:
        names = [
            redis.stream(17),
            redis.ready(17),
            redis.lease(17),
            redis.usage(17, TENANT, "api_call", "202611"),
            redis.seen(17),
            redis.quiet(17),
            redis.finished(17),
            redis.throttle(17, TENANT),
        ]
        assert all("{17}" in name for name in names)
        assert len(set(names)) == len(names)

    def test_names_of_keys_do_not_show_them(self) -> None:
        assert redis.principal(b"\x01\xff") == "key:01ff"


class TestCommand:
    def test_it_answers(self) -> None:
        name = f"tests:{uuid4()}"
        assert redis.command("SET", name, b"\x00\r\n\xff", "EX", 5) == b"OK"
        assert redis.command(b"GET", name) == b"\x00\r\n\xff"
        assert redis.command("GET", "tests:nothing") is None
        assert redis.command("DEL", name) == 1

    def test_an_error_of_the_servers_is_raised_and_the_connection_stays(self) -> None:
        redis.command("PING")
        wire = redis._lane.wire
        with pytest.raises(ResponseError):
            redis.command("NO SUCH COMMAND")
        with pytest.raises(NoScriptError):
            redis.command("EVALSHA", "0" * 40, 0)
        assert redis._lane.wire is wire
        assert redis.command("PING") == b"PONG"

    def test_each_thread_has_its_own_connection(self) -> None:
        ids = {redis.command("CLIENT", "ID")}

        def ask() -> None:
            ids.add(redis.command("CLIENT", "ID"))
            assert redis._lane.wire is not None
            redis._lane.wire.close()

        other = threading.Thread(target=ask)
        other.start()
        other.join()
        assert len(ids) == 2

    def test_away_it_raises_and_afterwards_it_works_again(self) -> None:
        with outages.redis_away(), pytest.raises(RedisError):
            redis.command("PING")
        assert redis.command("PING") == b"PONG"

    def test_a_connection_the_server_closed_is_replaced(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was in use a moment ago, so that nobody looked whether the server hung up."""
        monkeypatch.setattr(redis, "IDLE_S", 3_600)
        mine = redis.command("CLIENT", "ID")
        assert isinstance(mine, int)
        redis.client().client_kill_filter(_id=mine)
        with pytest.raises(RedisError):
            redis.command("PING")
        assert redis.command("PING") == b"PONG"
        assert redis.command("CLIENT", "ID") != mine

    def test_an_idle_one_that_the_server_closed_costs_nobody_an_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis, "IDLE_S", -1)
        mine = redis.command("CLIENT", "ID")
        assert isinstance(mine, int)
        redis.client().client_kill_filter(_id=mine)
        assert redis.command("PING") == b"PONG"
        assert redis.command("CLIENT", "ID") != mine

    def test_an_answer_that_never_comes_is_given_up_and_never_mistaken_for_the_next(self) -> None:
        """A blackhole: it takes the question and says nothing."""
        with closing(Canary()) as silent:
            address = f"redis://127.0.0.1:{silent.port}/0"
            with override_settings(REDIS_URL=address, REDIS_TIMEOUT_S=0.2):
                outages._reconnect_redis()
                # What it raises says that the time-out ended it: it is asked once, and no more.
                with pytest.raises(TimeoutError):
                    redis.command("GET", "x")
                assert redis._lane.wire is None
            assert silent.callers() == 1
        outages._reconnect_redis()
        assert redis.command("PING") == b"PONG"


def test_the_client_gives_up_in_time_too() -> None:
    """It asks a server that says nothing once, no longer than the time-out, and so it stays."""
    with closing(Canary()) as silent:
        address = f"redis://127.0.0.1:{silent.port}/0"
        with override_settings(REDIS_URL=address, REDIS_TIMEOUT_S=0.2):
            outages._reconnect_redis()
            with pytest.raises(TimeoutError):
                redis.client().ping()
        outages._reconnect_redis()
        assert silent.callers() == 1


def test_the_client_does_not_wait_for_one_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", waits.append)
    with outages.redis_away(), pytest.raises(RedisError):
        redis.client().ping()
    assert waits == []
