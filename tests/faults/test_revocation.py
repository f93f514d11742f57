"""Done 6 in short: a suspended tenant's and a rotated key are refused by every process in a second.

`python -m tests.faults.revocation` is the long form, which judges each time (X6, X6b, O8, F81).
"""

import pytest

from tests.faults.revocation import BOUND_S, Seen, Trial, delays, quantile, run, violations
from tests.faults.target import Target

TRIALS = 20
# The machine may stand still in the middle of a trial: that is no process which did not hear.
PATIENCE_S = 60.0
pytestmark = pytest.mark.timeout(600)


def test_with_valkey(target: Target) -> None:
    trials = list(run(target, TRIALS, has_valkey=True, bound_s=PATIENCE_S))
    assert_refused_everywhere(trials)


def test_with_valkey_killed(target: Target) -> None:
    trials = list(run(target, TRIALS, has_valkey=False, bound_s=PATIENCE_S))
    assert_refused_everywhere(trials)


def assert_refused_everywhere(trials: list[Trial]) -> None:
    """All trials, both ways, both processes; most within the bound."""
    assert violations(trials, PATIENCE_S) == []
    assert len(trials) == TRIALS
    assert {trial.how for trial in trials} == {"suspend", "rotate"}
    assert len(delays(trials)) == 2 * TRIALS
    assert quantile(delays(trials), 0.5) <= BOUND_S


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
