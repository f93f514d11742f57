"""Done 4 in short: consumer, Valkey and web server are killed under load, and nothing is lost or
counted twice. `python -m tests.faults.run` is the long form (F01, F02, F10, F12, F20; O1, O2).
"""

import random
from collections.abc import Iterator

import pytest

from tests.faults.scene import Outcome, play
from tests.faults.target import Target

BUDGET_S = 60


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """A stack of this module's own: nobody else's servers are killed."""
    with Target(web=2) as running:
        yield running


def outcome_of(target: Target, **counts: int) -> Outcome:
    """Run the faults to the end."""
    seed = random.SystemRandom().randrange(10**9)
    *_, last = play(target, counts, seed=seed, budget_s=BUDGET_S, gap_s=0.5)
    assert isinstance(last, Outcome)
    return last


def report(outcome: Outcome) -> str:
    """What to look at when it failed."""
    return f"seed {outcome.seed}, ledger {outcome.ledger_path}: {outcome.violations}"


@pytest.mark.timeout(180)
def test_kills_lose_nothing_and_count_nothing_twice(target: Target) -> None:
    outcome = outcome_of(target, consumer=8, valkey=3, web=3)
    assert not outcome.violations, report(outcome)
    assert outcome.kills == {"consumer": 8, "valkey": 3, "web": 3}
    assert outcome.facts["lost"] == outcome.facts["doubled"] == 0
    # The faults were felt, or this showed nothing.
    assert int(outcome.facts["without an answer, resolved by a resend"]) > 0
    assert int(outcome.facts["stored"]) > 1_000


@pytest.mark.timeout(180)
def test_a_valkey_that_lost_everything_costs_the_unstored_tail_only(target: Target) -> None:
    outcome = outcome_of(target, flushall=2, postgres=1)
    assert not outcome.violations, report(outcome)
    assert outcome.facts["lost"] == outcome.facts["doubled"] == 0
