"""One move, killed at each of its steps in turn, and what it says when it got through."""

import random
import time
from dataclasses import dataclass, field
from typing import Any

from apps.isolation import models
from apps.isolation.moves.running import ACTIVE, STEPS
from apps.isolation.public import Level, run_move
from tests import cast
from tests.isolation.moves import scene, usage
from tests.isolation.moves.mover import Mover
from tests.isolation.moves.writing import Clerk, Tracker

EVENTS, CUSTOMERS = 600, 80
BOUND_S = 90
# Statements of a step as an undisturbed run has them; more come with the writers' changes.
Counts = dict[str, int]
# From where to where: up, and down again as support may.
WAYS = {
    "to a schema": (Level.SHARED_SCHEMA, Level.DEDICATED_SCHEMA),
    "to a database": (Level.SHARED_SCHEMA, Level.DEDICATED_DATABASE),
    "back to shared": (Level.DEDICATED_SCHEMA, Level.SHARED_SCHEMA),
    "back from a database": (Level.DEDICATED_DATABASE, Level.DEDICATED_SCHEMA),
}


@dataclass
class Story:
    """What happened to one move."""

    move: models.Move
    kills: list[str] = field(default_factory=list)
    differences: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    lost_events: int = 0

    @property
    def is_good(self) -> bool:
        """Whether the move came to its end with every row."""
        completed = (self.move.status, self.move.error) == ("completed", "")
        return completed and not (self.differences or self.errors or self.lost_events)


def calibrate(mover: Mover, workspace: Any, way: str) -> Counts:
    """How many statements each step takes when nobody dies."""
    tenant = _at_the_start(workspace, way)
    move = _begin(tenant, WAYS[way][1])
    is_killed, counts = mover.run(move.id)
    move.refresh_from_db()
    assert (is_killed, move.status, move.error) == (False, "completed", "")
    return counts


def kill_at_each_step(
    mover: Mover, workspace: Any, way: str, counts: Counts, rng: random.Random
) -> Story:
    """Move a tenant under writers; every step's first run dies before one of its statements."""
    tenant = _at_the_start(workspace, way)
    with (
        Clerk(tenant.id, tenant.location, 0.02) as clerk,
        Tracker(tenant.id, 0.02) as tracker,
    ):
        story = Story(_begin(tenant, WAYS[way][1]))
        for step in STEPS:
            number = rng.randint(1, max(1, counts.get(step, 1)))
            is_killed, _ = mover.run(story.move.id, step, number)
            if is_killed:
                story.kills.append(f"{step}:{number}")
            _wait_for_the_dead(story.move)
        _finish(mover, story.move)
        time.sleep(0.2)
    story.errors = clerk.errors + tracker.errors
    story.differences = clerk.differences(tenant.location)
    found = usage.rows(tenant.location, tenant.id)["usage_event"]
    story.lost_events = EVENTS + len(tracker.events) - len(found)
    return story


def _at_the_start(workspace: Any, way: str) -> scene.Mover:
    tenant = scene.settle(cast.tenant(workspace, plan="growth"), EVENTS, CUSTOMERS)
    if WAYS[way][0] is not Level.SHARED_SCHEMA:
        run_move(_begin(tenant, WAYS[way][0]).id)
    return tenant


def _begin(tenant: scene.Mover, target: Level) -> models.Move:
    driver = "database" if target is Level.DEDICATED_DATABASE else ""
    return tenant.start(target, driver=driver, is_support=True)


def _wait_for_the_dead(move: models.Move) -> None:
    """Until the server has noticed that the runner's connections are gone."""
    from apps.isolation.moves.links import Liveness

    deadline = time.monotonic() + BOUND_S
    liveness = Liveness(move.pk)
    while not liveness.take():
        assert time.monotonic() < deadline, "the dead runner's lock stays"
        time.sleep(0.02)
    liveness.leave()


def _finish(mover: Mover, move: models.Move) -> None:
    """Resume as the sweep would, until the move is at its end."""
    deadline = time.monotonic() + BOUND_S
    while True:
        move.refresh_from_db()
        if move.status not in ACTIVE:
            return
        assert time.monotonic() < deadline, f"the move hangs after {move.step}"
        mover.run(move.pk)
