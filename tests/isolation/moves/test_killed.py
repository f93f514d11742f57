"""A move whose process is killed at every step resumes, and no row differs (F71).

Here each step dies once per move; `tests/faults/moves.py` does it as often as one likes.
"""

import random
from typing import Any

import pytest

from apps.isolation.moves.running import STEPS
from tests.isolation.moves import killing
from tests.isolation.moves.mover import Mover


@pytest.mark.parametrize("way", killing.WAYS)
def test_killed_at_every_step(movable: None, workspace: Any, way: str) -> None:
    rng = random.Random(7)
    with Mover() as mover:
        counts = killing.calibrate(mover, workspace, way)
        story = killing.kill_at_each_step(mover, workspace, way, counts, rng)
    assert (story.move.status, story.move.error) == ("completed", "")
    assert [kill.split(":")[0] for kill in story.kills] == list(STEPS)
    assert (story.differences, story.lost_events, story.errors) == ({}, 0, [])
    assert story.is_good
