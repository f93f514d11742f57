"""Webhooks with a killed worker and ill receivers, in short: nothing is missing (F30, F32)."""

import pytest

from tests.faults.webhooks import script


@pytest.mark.timeout(600)
def test_every_event_reaches_every_living_receiver() -> None:
    plan = script.Plan(
        events=120,
        quiet=40,
        alone=20,
        rate=100.0,
        kills=1,
        slow_s=0.2,
        seed=1,
        is_timed=False,
    )
    report = script.run(plan, say=lambda _: None)
    assert report.violations == []
