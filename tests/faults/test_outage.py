"""F13: while Valkey is away tracking answers 503, soon and never by guessing; then all is well."""

import random
import time
from functools import partial

from tests.faults.calls import Connection, Reply
from tests.faults.load import TRACK
from tests.faults.target import Target, wait_until
from tests.faults.workload import Customer

# More calls than the Redis client's pool has places: a leak of one a call would show.
CALLS = 120
LONGEST_CALL_S = 2.0
CONNECTIONS = 10
BACK_WITHIN_S = 5.0
EVENT = {"metric": "api_call", "value": 1}


def timed(line: Connection, customer: Customer) -> tuple[float, Reply]:
    """A tracking call, and how long it took in seconds."""
    started = time.monotonic()
    reply = line.post(TRACK, EVENT, key=customer.key)
    return time.monotonic() - started, reply


def is_tracked(line: Connection, customer: Customer) -> bool:
    """Whether a call is accepted now."""
    return timed(line, customer)[1].status == 201


def reads(line: Connection, target: Target) -> bool:
    """Whether a process reads from Postgres, each of its connections in its turn."""
    asked = [line.get("/api/v1/tenants", key=target.product.admin_key) for _ in range(CONNECTIONS)]
    return all(reply.status == 200 for reply in asked)


def test_every_process_gets_over_a_valkey_that_was_away(target: Target) -> None:
    customer, lines = target.customer("Patient"), target.lines_to_each()
    assert [timed(line, customer)[1].status for line in lines] == [201, 201]

    target.stop_valkey()
    try:
        answers = [timed(line, customer) for _ in range(CALLS) for line in lines]
        used = lines[0].get("/api/v1/usage/metrics", key=customer.key)
    finally:
        target.start_valkey()

    assert {(reply.status, reply.code) for _, reply in answers} == {(503, "unavailable")}
    assert max(took for took, _ in answers) < LONGEST_CALL_S
    assert used.status == 200
    for line in lines:
        wait_until(partial(is_tracked, line, customer), "tracking again", BACK_WITHIN_S)
        line.close()


def test_what_postgres_closed_meanwhile_costs_no_read(target: Target) -> None:
    """Reads without Valkey use connections that lie idle else, also over a start of Postgres."""
    customer, lines = target.customer("Patient"), target.lines_to_each()
    for fault in (target.restart_postgres, None):
        target.stop_valkey()
        try:
            read = [line.get("/api/v1/usage/metrics", key=customer.key) for line in lines]
        finally:
            target.start_valkey()
        assert [one.status for one in read] == [200, 200]
        for line in lines:
            wait_until(partial(is_tracked, line, customer), "tracking again", BACK_WITHIN_S)
        if fault is not None:
            fault(random.Random(0))
            for line in lines:
                wait_until(partial(reads, line, target), "Postgres again", BACK_WITHIN_S)
    for line in lines:
        line.close()
