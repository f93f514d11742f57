"""O2, F61, Done 2: 64 clients at once over two web processes, the consumer killed meanwhile, and a
`starter` tenant gets exactly its 1,000 calls.
"""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import oracles, stored
from tests.faults.ledger import Ledger
from tests.faults.load import Client
from tests.faults.target import Target
from tests.faults.workload import Customer, Maker

CLIENTS, CALLS_EACH, LIMIT = 64, 40, 1_000
KILL_EVERY_S = 0.5


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


def offer(ledger: Ledger, target: Target, customer: Customer, number: int) -> None:
    """One client: single calls of value 1, resent until they are known."""
    maker, client = Maker(f"race/{number}"), Client(ledger, target.port)
    for _ in range(CALLS_EACH):
        client.send(maker.one_api_call(customer))
        time.sleep(0.02)  # so that the race lasts as long as some kills
    client.close()


def kill_consumers_while(threads: list[threading.Thread], target: Target) -> int:
    """Kill the consumer again and again until all clients are done; how often that was."""
    chance, kills = random.Random(1), 0
    while any(thread.is_alive() for thread in threads):
        target.kill_consumer(chance)
        kills += 1
        time.sleep(KILL_EVERY_S)
    return kills


@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", ["shared_schema", "dedicated_schema"])
def test_exactly_the_limit_is_admitted(target: Target, ledger: Ledger, level: str) -> None:
    customer = target.customer("Racer", "starter", isolationLevel=level)
    threads = [
        threading.Thread(target=offer, args=(ledger, target, customer, number))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    kills = kill_consumers_while(threads, target)
    target.quiesce()
    stored.collect(target, ledger, [customer])

    assert kills >= 2
    assert ledger.count("state = 'acked'") == LIMIT
    assert ledger.count("state = 'refused'") == CLIENTS * CALLS_EACH - LIMIT
    assert oracles.exactly_once(ledger) == []
    assert oracles.limits(ledger, [customer], are_full=True) == []
