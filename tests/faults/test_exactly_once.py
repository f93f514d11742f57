"""Done 4 in short: consumer, Valkey and web server are killed under load, and nothing is lost or
counted twice. `python -m tests.faults.run` is the long form (F01, F02, F10, F12, F20; O1, O2).
"""

import pytest

from tests.faults.scene import Outcome, Scene
from tests.faults.target import Target

# For a slow machine; the faults are the same each time, the long form draws others.
BUDGET_S, SEED = 240, 41


@pytest.fixture(scope="module")
def scene(target: Target) -> Scene:
    """The tenants and the ledger of both tests."""
    return Scene(target)


def outcome_of(scene: Scene, **counts: int) -> Outcome:
    """Run the faults to the end."""
    *_, last = scene.play(counts, seed=SEED, budget_s=BUDGET_S, gap_s=0.5)
    assert isinstance(last, Outcome)
    return last


def report(scene: Scene, outcome: Outcome) -> str:
    """What to look at when it failed."""
    said = "\n".join(scene.target.product.lines[-100:])
    return f"seed {outcome.seed}, ledger {outcome.ledger_path}: {outcome.violations}\n{said}"


@pytest.mark.timeout(600)
def test_kills_lose_nothing_and_count_nothing_twice(scene: Scene) -> None:
    outcome = outcome_of(scene, consumer=8, valkey=3, web=3)
    assert not outcome.violations, report(scene, outcome)
    assert outcome.kills == {"consumer": 8, "valkey": 3, "web": 3}
    assert outcome.facts["lost"] == outcome.facts["doubled"] == 0
    # The faults were felt, or this showed nothing.
    assert int(outcome.facts["without an answer, resolved by a resend"]) > 0
    assert int(outcome.facts["stored"]) > 1_000


@pytest.mark.timeout(600)
def test_a_valkey_that_lost_everything_costs_the_unstored_tail_only(scene: Scene) -> None:
    outcome = outcome_of(scene, flushall=2, postgres=1)
    assert not outcome.violations, report(scene, outcome)
    assert outcome.facts["lost"] == outcome.facts["doubled"] == 0
