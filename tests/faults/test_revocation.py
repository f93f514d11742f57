"""Done 6 in short: a suspended tenant's and a rotated key are refused by every process in a second.

`python -m tests.faults.revocation` is the long form (X6, X6b, O8, F81).
"""

import pytest

from tests.faults.revocation import BOUND_S, Seen, Trial, delays, run, violations
from tests.faults.target import Target

TRIALS = 20


def test_with_valkey(target: Target) -> None:
    trials = list(run(target, TRIALS, has_valkey=True))
    assert_refused_everywhere(trials)


def test_with_valkey_killed(target: Target) -> None:
    trials = list(run(target, TRIALS, has_valkey=False))
    assert_refused_everywhere(trials)


def assert_refused_everywhere(trials: list[Trial]) -> None:
    """All trials, both ways, both processes, within the bound."""
    assert violations(trials) == []
    assert len(trials) == TRIALS
    assert {trial.how for trial in trials} == {"suspend", "rotate"}
    assert len(delays(trials)) == 2 * TRIALS
    assert max(delays(trials)) <= BOUND_S


class TestTheJudge:
    """What counts as a violation."""

    @pytest.mark.parametrize(
        "seen",
        [
            Seen(refused_after_s=None),
            Seen(refused_after_s=1.01),
            Seen(refused_after_s=0.2, accepted_late=1),
            Seen(refused_after_s=0.2, odd=["429 rate_limited"]),
        ],
    )
    def test_is_found(self, seen: Seen) -> None:
        good = Seen(refused_after_s=0.3)
        assert len(violations([Trial("suspend", True, [good, seen])])) == 1

    def test_a_refusal_in_time_is_none(self) -> None:
        assert violations([Trial("rotate", False, [Seen(refused_after_s=1.0)])]) == []
