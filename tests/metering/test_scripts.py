"""The script for a call of one event decides as the one for many does (F4, F5, X11, X21)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis  # noqa: TID251  # a client of the test's own server

from apps.metering import ingest, rows
from apps.metering.events import Event
from apps.metering.ingest import MANY, ONE
from apps.metering.names import names_of
from tenlyr.core import clock, redis
from tenlyr.core.principal import Principal
from tenlyr.core.scripts import Script
from tests.metering.support import entries, event, nobody, store
from tests.stack import Servers
from tests.stack.servers import kill9

# Room for what passes between two runs of one scenario; a refill takes longer than that.
SLACK_MS = 5_000
RATES = st.sampled_from([0, 0, 2, 5])
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "api_call": st.integers(0, 20),
        "seats": st.integers(0, 20),
        "storage_gb": st.integers(0, 20_000_000),
    },
)
FIELDS = st.one_of(
    st.fixed_dictionaries(
        {"value": st.integers(1, 12)},
        optional={
            "id": st.sampled_from("abc"),
            "statusCode": st.sampled_from([200, 500]),
            "is_late": st.booleans(),
        },
    ),
    st.fixed_dictionaries(
        {
            "metric": st.sampled_from(["seats", "storage_gb"]),
            "value": st.integers(1, 12),
            "mode": st.sampled_from(["set", "increment", "decrement"]),
        },
        optional={"id": st.sampled_from("abc")},
    ),
    st.sampled_from(
        [
            {"metric": "seats", "value": 0, "mode": "set"},
            # More than Lua's numbers hold exactly, in counter units.
            {"metric": "storage_gb", "value": 10**12},
        ]
    ),
)
# None begins a new generation of remembered ids.
STEPS = st.lists(FIELDS | st.none(), min_size=1, max_size=14)


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


def run(script: Script, caller: Principal, *events: Event) -> Any:
    arguments = ingest._arguments(caller, events)
    return redis.command(b"EVAL", script.text, *arguments)


def made(caller: Principal, fields: dict[str, Any]) -> Event:
    """The event of a step; a late one belongs to a month of its own, mostly."""
    given = dict(fields)
    if given.pop("is_late", False):
        given["timestamp"] = (clock.now() - timedelta(days=34)).isoformat()
    return event(caller, **given)


class Case:
    """One caller's part of Redis, so that a scenario can be played twice from the same start."""

    def __init__(self, caller: Principal) -> None:
        self.caller = caller
        shard = redis.shard_of(caller.tenant)
        self.ready, self.seen, self.stream = (
            redis.ready(shard),
            redis.seen(shard),
            redis.stream(shard),
        )
        self.throttle = redis.throttle(shard, caller.tenant)
        self.counters = redis.usage(shard, caller.tenant, "*", "*")

    def play(self, script: Script, steps: list[Event | None]) -> tuple[list[Any], dict[str, Any]]:
        """What was answered to each step, and what Redis holds after; Redis is as before then."""
        first = int(redis.client().hget(self.ready, "generation"))
        answers = []
        for step in steps:
            if step is None:
                redis.client().hincrby(self.ready, "generation", 1)
            else:
                answers.append(run(script, self.caller, step))
        state = self._state(first)
        self._clear(first)
        return answers, state

    def _state(self, generation: int) -> dict[str, Any]:
        client = redis.client()
        now = int(client.hget(self.ready, "generation"))
        keys = sorted(client.keys(self.counters))
        return {
            "counters": [(key, client.get(key), client.pexpiretime(key)) for key in keys],
            "entries": entries(self.caller.tenant),
            "seen": [self._remembered(n) for n in range(generation, now + 1)],
            "throttle": (int(client.get(self.throttle) or 0), client.pttl(self.throttle)),
        }

    def _remembered(self, generation: int) -> dict[bytes, bytes]:
        found = redis.client().hgetall(f"{self.seen}{generation}")
        return {
            field: row for field, row in found.items() if field[:16] == self.caller.tenant.bytes
        }

    def _clear(self, generation: int) -> None:
        client = redis.client()
        now = int(client.hget(self.ready, "generation"))
        client.delete(self.throttle, *client.keys(self.counters))
        for number in range(generation, now + 1):
            if mine := self._remembered(number):
                client.hdel(f"{self.seen}{number}", *mine)
        client.xtrim(self.stream, maxlen=0, approximate=False)
        client.hset(self.ready, "generation", generation)


def assert_same(one: Any, other: Any) -> None:
    """Equal answers; how long a throttled caller shall wait may differ by what passed between."""
    if isinstance(one, list) and isinstance(other, list) and isinstance(one[0], list):
        assert one[0][0] == other[0][0]
        assert abs(one[0][1] - other[0][1]) <= (SLACK_MS if one[0][0] == ingest.THROTTLED else 0)
    else:
        assert one == other


@settings(max_examples=60, deadline=None)
@given(RATES, LIMITS, STEPS)
def test_a_call_of_one_is_decided_alike(
    rate: int, limits: dict[str, int], steps: list[dict[str, Any] | None]
) -> None:
    """Answers, counters and their expiry, queue, remembered ids and throttle."""
    caller = nobody(limit_rpm=rate, limits=limits)
    case = Case(caller)
    events = [None if step is None else made(caller, step) for step in steps]
    (one, one_after), (many, many_after) = (case.play(script, events) for script in (ONE, MANY))
    for first, second in zip(one, many, strict=True):
        assert_same(first, second)
    throttles = one_after.pop("throttle"), many_after.pop("throttle")
    assert one_after == many_after
    assert abs(throttles[0][0] - throttles[1][0]) <= SLACK_MS * 1_000
    assert abs(throttles[0][1] - throttles[1][1]) <= SLACK_MS


def test_the_scenarios_reach_every_answer() -> None:
    """The comparison above is worth as much as what it meets: here each answer once, from both."""
    for script in (ONE, MANY):
        caller = nobody(limits={"seats": 5})
        first, other = (event(caller, id="a", value=n) for n in (1, 2))
        assert run(script, caller, first) == ingest.ALL_ADMITTED
        (known,) = run(script, caller, other)
        assert known == rows.encode(caller.tenant, first)
        reasons = [
            event(caller, metric="seats", value=6),
            event(caller, metric="seats", value=1, mode="decrement"),
            event(caller, metric="storage_gb", value=10**12),
        ]
        assert [run(script, caller, one) for one in reasons] == [
            [[ingest.OVER_LIMIT, 0]],
            [[ingest.BELOW_ZERO, 0]],
            [[ingest.OUT_OF_RANGE, 0]],
        ]
        slow = nobody(limit_rpm=1)
        assert run(script, slow, event(slow)) == ingest.ALL_ADMITTED
        ((reason, wait),) = run(script, slow, event(slow))
        assert reason == ingest.THROTTLED
        assert 55_000 < wait <= 60_000
        gone = nobody()
        ready = redis.ready(redis.shard_of(gone.tenant))
        epoch = redis.client().hget(ready, "epoch")
        redis.client().hdel(ready, "epoch")
        assert run(script, gone, event(gone)) == ingest.NOT_READY
        redis.client().hset(ready, "epoch", epoch)


@pytest.mark.parametrize("script", [ONE, MANY], ids=["one", "many"])
def test_a_restart_loses_the_throttle_and_nothing_else(script: Script) -> None:
    """The append-only file has no word of it: the bucket is full again, counts are as they were."""
    caller = nobody(limit_rpm=1)
    names = names_of(caller.tenant)
    servers = Servers()
    try:
        servers.valkey.start()
        with Redis.from_url(servers.valkey.url) as client:
            client.hset(redis.ready(names.shard), mapping={"epoch": 1, "generation": 1})

            def admit(key: str) -> Any:
                arguments = ingest._arguments(caller, [event(caller, id=key)])
                return client.execute_command("EVAL", script.text, *arguments)

            assert admit("a") == 1
            assert admit("b")[0][0] == ingest.THROTTLED
            kill9(servers.valkey)
            servers.valkey.start()
            assert isinstance(admit("a")[0], bytes)
            assert admit("b") == 1
            assert admit("c")[0][0] == ingest.THROTTLED
            assert client.xlen(redis.stream(names.shard)) == 2
            (counter,) = client.keys(redis.usage(names.shard, caller.tenant, "*", "*"))
            assert client.get(counter) == b"2"
    finally:
        servers.stop()
