"""The roll-out over a fleet, killed half-way, in short (F76)."""

from tests.faults import rollout


def test_a_killed_rollout_goes_on_and_does_nothing_twice() -> None:
    report = rollout.run(12, say=lambda _: None)
    assert report.violations == []
