"""Done 1 and 6 of health, alerts and webhooks in short; `python -m tests.faults.health` is the long
form.
"""

from collections.abc import Iterator

import pytest

from tests.faults.health import documented, flapping, judging
from tests.faults.health.stage import Stage

# What is waited for below has bounds of its own, of two minutes and more.
pytestmark = pytest.mark.timeout(900)
# The dead pump's seat is free after 5 s, so it comes first.
FAULTS = ["in the fan-out", "in the scan", flapping.VALKEY]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Two beats, short periods, and a window that is longer than the tests."""
    with Stage(period_s=1, window_s=3_600, alert_s=1) as running:
        yield running


def silent(_what: str) -> None:
    """Says nothing."""


def test_statuses_alerts_and_events_are_the_documented_ones(stage: Stage) -> None:
    outcome = documented.play(stage, silent, by_dilution=True, is_timed=False)
    assert outcome.violations == []


def test_no_fault_doubles_or_loses_an_event(stage: Stage) -> None:
    story = flapping.play(stage, silent, tenants=3, faults=FAULTS, seed=4)
    verdict = judging.judge(stage, story, with_channel=False)
    assert verdict.violations == []


def test_events_of_health_take_turns() -> None:
    statuses = ["critical", "unknown", "critical", "warning", "healthy", "critical"]
    # Who is unknown in between is judged by the plan, which has no such status.
    known = [status for status in statuses if status != "unknown"]
    assert judging.events_of(known) == ["health.critical", "health.recovered", "health.critical"]
