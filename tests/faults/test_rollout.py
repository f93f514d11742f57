"""The roll-out over a fleet, killed half-way, in short (F76)."""

import pytest

from tests.faults import rollout


@pytest.mark.timeout(600)
def test_a_killed_rollout_goes_on_and_does_nothing_twice() -> None:
    # So many that some are left when the batch with the schema in the middle is through.
    report = rollout.run(40, say=lambda _: None)
    assert report.violations == []
