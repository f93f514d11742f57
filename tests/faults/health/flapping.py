"""Done 6, what is done: tenants change by a plan, and workers and Valkey are killed meanwhile."""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from tests.faults.health.stage import Say, Stage
from tests.faults.workload import Customer

HEALTHY, WARNING, CRITICAL = "healthy", "warning", "critical"
# Where a planned step leads: near the bounds, so that the next one needs few calls.
RATES = {HEALTHY: 0.025, WARNING: 0.099, CRITICAL: 0.1015}
MIDDLE = 0.06
FIRST_CALLS, FIRST_ERRORS = 100, {HEALTHY: 2, WARNING: 10, CRITICAL: 11}
# One call's events are stored in one transaction, so that no scan sees half a step.
MOST_A_STEP = 450
# The worker is killed while its transaction waits to write there: nothing of it is committed.
TABLES = {
    "in the scan": "health_history",
    "at the event": "webhooks_outboxevent",
    "at the alert": "health_alert",
    "at the notice": "health_notice",
    "in the fan-out": "webhooks_delivery",
    "before a POST": "webhooks_attempt",
}
ANYWHERE, VALKEY = "at any moment", "Valkey"
LONGEST_WAIT_S = 2.0


@dataclass
class Tenant:
    """A tenant's plan so far, and what it sent."""

    customer: Customer
    calls: int = 0
    errors: int = 0
    planned: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """How it is by the plan."""
        return self.planned[-1] if self.planned else ""

    def step_to(self, status: str) -> tuple[int, int]:
        """The calls and errors that lead to a status: only good ones or only bad ones."""
        if not self.calls:
            return FIRST_CALLS, FIRST_ERRORS[status]
        # From below every error more lifts the rate of few calls by much.
        is_rising = status == WARNING and self.status == HEALTHY
        rate = MIDDLE if is_rising else RATES[status]
        if self.errors > rate * self.calls:
            return ceil(self.errors / rate) - self.calls, 0
        errors = ceil((rate * self.calls - self.errors) / (1 - rate))
        return errors, errors

    def choices(self) -> list[str]:
        """The statuses that one step leads to."""
        steps = {name: self.step_to(name)[0] for name in RATES if name != self.status}
        return [name for name, calls in steps.items() if 0 < calls <= MOST_A_STEP]


@dataclass
class Story:
    """What happened."""

    tenants: list[Tenant]
    faults: Counter[str] = field(default_factory=Counter)


def play(stage: Stage, say: Say, *, tenants: int, faults: list[str], seed: int) -> Story:
    """A round for each fault: everybody changes, something is killed, the plan is waited for."""
    chance = random.Random(seed)
    names = [f"Flapping {number}" for number in range(tenants)]
    story = Story([Tenant(stage.target.customer(name)) for name in names])
    for number, fault in enumerate(faults):
        say(f"round {number + 1} of {len(faults)}: killed {fault}")
        _round(stage, story, fault, chance)
    say("a last round without a fault")
    _round(stage, story, "", chance)
    return story


def all_faults(times: int, chance: random.Random) -> list[str]:
    """Every kind so many times, in a random order."""
    kinds = [*TABLES, ANYWHERE, VALKEY]
    every = list(itertools.chain.from_iterable([kinds] * times))
    chance.shuffle(every)
    return every


def _round(stage: Stage, story: Story, fault: str, chance: random.Random) -> None:
    def change() -> None:
        for tenant, status in zip(story.tenants, _plan(story, chance), strict=True):
            if status == tenant.status:
                continue
            calls, errors = tenant.step_to(status)
            stage.track(tenant.customer, calls, errors)
            tenant.calls, tenant.errors = tenant.calls + calls, tenant.errors + errors
            tenant.planned.append(status)

    _break(stage, fault, chance, change)
    if fault:
        story.faults[fault] += 1
    stage.until(lambda: _is_as_planned(stage, story), f"the planned statuses after {fault}")


def _plan(story: Story, chance: random.Random) -> list[str]:
    """Where each goes next. One becomes critical, so that each fault has a prey, and one does not,
    so that one can the next time.
    """
    plan = [chance.choice(tenant.choices()) for tenant in story.tenants]
    able = [n for n, tenant in enumerate(story.tenants) if tenant.status != CRITICAL]
    one = chance.choice(able)
    plan[one] = CRITICAL
    if set(plan) == {CRITICAL}:
        other = chance.choice([n for n in range(len(plan)) if n != one])
        plan[other] = story.tenants[other].status or WARNING
    return plan


def _break(stage: Stage, fault: str, chance: random.Random, change: Callable[[], None]) -> None:
    if fault in TABLES:
        stage.kill_waiting_at(TABLES[fault], change)
        return
    change()
    if fault == ANYWHERE:
        stage.pause(chance.uniform(0, LONGEST_WAIT_S))
        stage.kill_worker()
    elif fault == VALKEY:
        stage.pause(chance.uniform(0, LONGEST_WAIT_S))
        stage.kill_valkey(chance)


def _is_as_planned(stage: Stage, story: Story) -> bool:
    seen = {one["tenantId"]: one["status"] for one in stage.get("health")}
    return all(seen[one.customer.id] == one.status for one in story.tenants)
