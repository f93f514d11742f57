"""A 201 means "on disk": Valkey's append-only file is synced before each answer (Done 4, F11).

Killing Valkey cannot show this: the page cache outlives it. So its system calls are watched.
"""

import re
import time
from pathlib import Path

import pytest

from tests.faults.calls import Connection
from tests.faults.fsyncs import NotAllowed, SystemCall, parse, traced, unsynced
from tests.faults.target import Target
from tests.faults.workload import Customer
from tests.stack import missing, require_tool

SINGLES, BATCHES = 30, 10
TRACK, BATCH = "/api/v1/usage/track", "/api/v1/usage/track/batch"
EVENT = {"metric": "api_call", "value": 1}
TOO_EARLY = re.compile("the reply went out before the file was (written|synced)$")


@pytest.fixture
def customer(target: Target) -> Customer:
    return target.customer("Traced")


@pytest.fixture
def strace(target: Target, tmp_path: Path) -> str:
    """The program, if it is there and may look into Valkey."""
    test = "tests/faults/test_durable_ack.py"
    found = require_tool("strace", test)
    if found is None:
        pytest.skip("strace is missing")
    try:
        with traced(found, target.valkey_pid, tmp_path / "probe"):
            pass
    except NotAllowed as refusal:
        missing.setdefault("the right to trace a process", []).append(test)
        pytest.skip(str(refusal))
    return found


def one_at_a_time(target: Target, customer: Customer) -> list[tuple[float, float]]:
    """Track calls, each sent when the one before was answered: when they were sent and answered."""
    connection, windows = Connection(target.port), []
    # The scripts and the caller are known to server and web process from here on.
    assert connection.post(TRACK, EVENT, key=customer.key).status == 201
    assert connection.post(BATCH, [EVENT] * 2, key=customer.key).status == 200
    for number in range(SINGLES + BATCHES):
        is_batch = number >= SINGLES
        sent = time.time()
        reply = connection.post(
            BATCH if is_batch else TRACK, [EVENT] * 20 if is_batch else EVENT, key=customer.key
        )
        windows.append((sent, time.time()))
        assert reply.status == (200 if is_batch else 201), reply
        assert not is_batch or reply.body["accepted"] == 20
    connection.close()
    return windows


def faults_under(
    policy: str, target: Target, customer: Customer, strace: str, output: Path
) -> tuple[list[str], list[SystemCall]]:
    """What the check says with a policy of Valkey's, and what it saw."""
    target.redis.config_set("appendfsync", policy)
    with traced(strace, target.valkey_pid, output):
        windows = one_at_a_time(target, customer)
    calls = parse(output.read_text().splitlines())
    return unsynced(calls, windows), calls


def test_each_201_is_synced_before(
    target: Target, customer: Customer, strace: str, tmp_path: Path
) -> None:
    found, calls = faults_under("always", target, customer, strace, tmp_path / "always")
    assert found == []
    assert sum(call.is_sync for call in calls) >= SINGLES + BATCHES


def test_the_check_fails_under_everysec(
    target: Target, customer: Customer, strace: str, tmp_path: Path
) -> None:
    try:
        found, _ = faults_under("everysec", target, customer, strace, tmp_path / "everysec")
    finally:
        target.redis.config_set("appendfsync", "always")
    # One sync a second may by chance come just in time for one call, not for most.
    assert len(found) > (SINGLES + BATCHES) / 2
    # While one sync is under way Valkey puts off even the writing.
    assert all(TOO_EARLY.search(fault) for fault in found), found
    assert_readiness_says(target, "disk")


def assert_readiness_says(target: Target, durability: str) -> None:
    """`/readyz` tells the policy too."""
    connection = Connection(target.port)
    reply = connection.get("/readyz")
    connection.close()
    assert reply.body["parts"]["redis"]["durability"] == durability


class TestTheParser:
    """Lines as strace writes them."""

    LINES = (
        r'71 10.000100 read(9<socket:[5]>, "*9\r\n$7\r\nEVALSHA\r\n$40"..., 999) = 300 <0.000010>',
        '71 10.000200 write(7</d/appendonly.aof.1.incr.aof>, "*2"..., 99) = 99 <0.000020>',
        "71 10.000300 fdatasync(7</d/appendonly.aof.1.incr.aof> <unfinished ...>",
        "72 10.000310 fdatasync(8</d/other> ) = 0 <0.000010>",
        "71 10.000400 <... fdatasync resumed>) = 0 <0.000100>",
        r'71 10.000500 write(9<socket:[5]>, ":1\r\n", 4) = 4 <0.000010>',
        "71 10.000600 +++ exited with 0 +++",
    )

    def test_a_call_cut_in_two_is_one(self) -> None:
        sync = next(call for call in parse(self.LINES) if call.is_sync)
        assert (sync.began, sync.fd) == (10.0003, 7)
        assert sync.ended == pytest.approx(10.0004)

    def test_the_right_order_passes(self) -> None:
        assert unsynced(parse(self.LINES), [(10.0, 10.001)]) == []

    @pytest.mark.parametrize(
        ("left_out", "reason"),
        [
            ({0}, "0 requests were read"),
            ({1}, "before the file was written"),
            ({2, 4}, "before the file was synced"),
            ({4}, "before the file was synced"),
            ({5}, "no reply was written"),
        ],
    )
    def test_what_is_missing_is_named(self, left_out: set[int], reason: str) -> None:
        lines = [line for place, line in enumerate(self.LINES) if place not in left_out]
        (found,) = unsynced(parse(lines), [(10.0, 10.001)])
        assert reason in found

    def test_a_sync_after_the_reply_is_too_late(self) -> None:
        calls = parse(self.LINES)
        reply = next(call for call in calls if call.name == "write" and call.fd == 9)
        reply.began = 10.00025
        (found,) = unsynced(sorted(calls, key=lambda call: call.began), [(10.0, 10.001)])
        assert "before the file was synced" in found
