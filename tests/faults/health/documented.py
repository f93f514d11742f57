"""Done 1: tenants that fail 12 %, 5 % and 0 %, and a silent one, in every place where it shows."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.faults.health.stage import Say, Stage, expect
from tests.faults.workload import Customer
from tests.webhooks.receiving import Receiver

BEAT_S = 0.25
# Calls and errors of one batch: the rate is exact after each of them.
FAILING, RISKY, WELL = (25, 3), (20, 1), (20, 0)
# So many good calls to one bad one are below 3 % of errors.
GOOD_TO_BAD = 40
MOST_A_CALL = 500
CYCLES = 2
MORE_CYCLES = 3
TOLD = "('health.critical', 'health.recovered', 'alert.created')"
ENVELOPE = re.compile(
    r'\{"id":"evt_[0-9A-Z]{26}","type":"[a-z_.]+","createdAt":"[-0-9T:]+\.\d{3}Z"'
)
CHANGES = """
SELECT at, status, request_rate FROM health_history
WHERE tenant_id = %s AND kind = 'change' ORDER BY at
"""
OUTBOX = f"""
SELECT id, type, data FROM webhooks_outboxevent
WHERE tenant_id = %s AND type IN {TOLD} ORDER BY seq
"""
ALERTS = """
SELECT id, type, severity, status, count, resolved_by, title, message, metadata
FROM health_alert WHERE tenant_id = %s ORDER BY created_at
"""


@dataclass
class Outcome:
    """What was seen: rows of the table, and what is not as documented."""

    facts: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note a violation unless both are the same."""
        expect(self.violations, what, found, wanted)


@dataclass
class Load:
    """The replayed workload: each round a batch of every tenant that sends."""

    stage: Stage
    failing: Customer
    risky: Customer
    well: Customer
    silent: Customer
    is_failing: bool = True
    sent: dict[str, list[int]] = field(default_factory=dict)

    def send(self) -> None:
        """One round of it."""
        plan = {self.failing: FAILING, self.risky: RISKY, self.well: WELL}
        for customer, (calls, errors) in plan.items():
            self.track(customer, calls, errors if self.is_failing else 0)

    def dilute(self) -> None:
        """So many good calls that what failed before weighs less than 3 %, in one look's time."""
        for customer in (self.failing, self.risky):
            calls, errors = self.sent[customer.id]
            missing = max(0, GOOD_TO_BAD * errors - calls)
            while missing > 0:
                self.track(customer, min(missing, MOST_A_CALL), 0)
                missing -= MOST_A_CALL

    def track(self, customer: Customer, calls: int, errors: int) -> None:
        """A batch, counted."""
        self.stage.track(customer, calls, errors)
        total = self.sent.setdefault(customer.id, [0, 0])
        total[0], total[1] = total[0] + calls, total[1] + errors


def play(stage: Stage, say: Say, *, by_dilution: bool, is_timed: bool) -> Outcome:
    """Fail, be seen, be told of, recover; `by_dilution` saves the wait for the window to pass.

    With `is_timed` it must be seen within two cycles, which a crowded machine may not manage.
    """
    outcome = Outcome()
    every = [stage.target.customer(name) for name in ("Failing", "Risky", "Well", "Silent")]
    failing, risky, well, silent = every
    load = Load(stage, failing, risky, well, silent)
    _check_overview(stage, outcome, "before anything", (0, 0, 0, 4), 0.0)
    say("one tenant fails 12 %, one 5 %, one nothing, one is silent")
    load.send()
    began = _stored(stage)
    say("waiting for the statuses")
    wanted = ["critical", "warning", "healthy", "unknown"]
    _reach(load, lambda: _statuses(stage, every) == wanted, "the documented statuses")
    cycles = _note(stage, outcome, load.failing, "critical", began)
    if is_timed:
        outcome.expect(f"critical after {cycles} cycles", cycles <= CYCLES, wanted=True)
    say("waiting for the webhooks, then for some cycles more")
    _reach(load, lambda: _told(stage, load.failing) >= 2, "two events at the receiver")
    _some_cycles(load)
    _check_failing(load, outcome)
    say("errors stop")
    load.is_failing = False
    if by_dilution:
        load.dilute()
    stopped = _stored(stage)
    wanted = ["healthy", "healthy", "healthy", "unknown"]
    slack_s = 2.0 * stage.window_s + 60
    _reach(load, lambda: _statuses(stage, every) == wanted, "healthy again", slack_s)
    cycles = _note(stage, outcome, load.failing, "healthy", stopped)
    if is_timed and by_dilution:  # otherwise the window has to pass first
        outcome.expect(f"well after {cycles} cycles", cycles <= CYCLES, wanted=True)
    _reach(load, lambda: _told(stage, load.failing) >= 3, "three events at the receiver")
    _some_cycles(load)
    _check_recovered(load, outcome)
    return outcome


def _reach(load: Load, is_so: Callable[[], bool], what: str, more_s: float = 0.0) -> None:
    timeout_s = 120.0 + 4 * load.stage.period_s + more_s
    load.stage.until(is_so, what, timeout_s=timeout_s, meanwhile=load.send, every_s=BEAT_S)


def _stored(stage: Stage) -> Any:
    """The moment, when all that was sent is stored."""
    stage.until(lambda: stage.target.unstored() == 0, "everything is stored")
    return stage.now()


def _some_cycles(load: Load) -> None:
    """What must not happen twice has time to."""
    goal = load.stage.scans() + MORE_CYCLES
    _reach(load, lambda: load.stage.scans() >= goal, "more cycles", 4.0 * load.stage.period_s)


def _statuses(stage: Stage, customers: list[Customer]) -> list[str]:
    seen = {one["tenantId"]: one["status"] for one in stage.get("health")}
    return [seen[customer.id] for customer in customers]


def _told(stage: Stage, customer: Customer) -> int:
    """How many different events of health and alerts of the tenant came."""
    bodies = {one.event_id: one.event for one in list(stage.hooks.got)}
    mine = [one for one in bodies.values() if one["data"].get("tenantId") == customer.id]
    return sum(one["type"].startswith(("health.", "alert.")) for one in mine)


def _note(stage: Stage, outcome: Outcome, customer: Customer, status: str, since: Any) -> int:
    """How many scans it took until the status was written, that one included."""
    at = next(at for at, found, _ in stage.rows(CHANGES, customer.id) if found == status)
    # A scan claims its period after its look, which is the moment of the change.
    cycles = stage.scans_between(since, at) + 1
    taken_s = max(0.0, (at - since).total_seconds())
    outcome.facts[f"until {status}"] = f"{cycles} cycles, {taken_s:.1f} s"
    return cycles


def _check_overview(
    stage: Stage, outcome: Outcome, when: str, counts: tuple[int, ...], mean: float
) -> None:
    names = ("healthy", "warning", "critical", "unknown")
    wanted = {"total": sum(counts), **dict(zip(names, counts, strict=True)), "avgErrorRate": mean}
    outcome.expect(f"GET /health/overview {when}", stage.get("health/overview"), wanted)


def _check_failing(load: Load, outcome: Outcome) -> None:
    stage = load.stage
    _check_healths(load, outcome, [(12.0, True), (5.0, True), (0.0, False), (None, False)])
    _check_overview(stage, outcome, "under failures", (1, 1, 1, 1), 5.7)
    changes = stage.rows(CHANGES, load.failing.id)
    outcome.expect("changes of the failing", [row[1] for row in changes], ["critical"])
    rate = changes[0][2]
    told = {"errorRate": 12, "requestRate": _number(rate), "slaRisk": True}
    title = "12 % of the calls fail"
    wanted = ("health_critical", "critical", "open", 1, None, title)
    found = stage.rows(ALERTS, load.failing.id)
    outcome.expect("alerts of the failing", [row[1:7] for row in found], [wanted])
    outcome.expect("the alert's metadata", [row[8] for row in found], [told])
    alert_id, message = str(found[0][0]), found[0][7]
    open_ones = stage.get("alerts/unresolved")
    outcome.expect("GET /alerts/unresolved", [one["id"] for one in open_ones], [alert_id])
    mine = stage.get("alerts", key=load.failing.key)
    outcome.expect("the tenant's own alerts", [one["id"] for one in mine], [alert_id])
    created = {
        "alertId": alert_id,
        "tenantId": load.failing.id,
        "type": "health_critical",
        "severity": "critical",
        "title": title,
        "message": message,
    }
    critical = {"tenantId": load.failing.id, **told}
    events = [("health.critical", critical), ("alert.created", created)]
    _check_events(load, outcome, events)


def _check_recovered(load: Load, outcome: Outcome) -> None:
    stage = load.stage
    if [one for one in stage.get("alerts/unresolved") if one["tenantId"] == load.failing.id]:
        outcome.violations.append("the alert is open although the tenant has recovered")
    found = stage.rows(ALERTS, load.failing.id)
    wanted = [("resolved", 1, "system")]
    outcome.expect("the alert afterwards", [row[3:6] for row in found], wanted)
    changes = stage.rows(CHANGES, load.failing.id)
    _, status, rate = next(row for row in changes if row[1] != "critical")
    events = stage.rows(OUTBOX, load.failing.id)
    kinds = [kind for _, kind, _ in events]
    outcome.expect("events of the failing", sorted(kinds),
                   ["alert.created", "health.critical", "health.recovered"])  # fmt: skip
    recovered = [data for _, kind, data in events if kind == "health.recovered"]
    error_rate = recovered[0]["errorRate"] if recovered else None
    outcome.expect("health.recovered", recovered, [
        {
            "tenantId": load.failing.id,
            "errorRate": error_rate,
            "requestRate": _number(rate),
            "slaRisk": status != "healthy",
            "status": status,
        }
    ])  # fmt: skip
    rated = "" if error_rate is None else "healthy" if error_rate < 3 else "warning"
    outcome.expect("the status that the rate at recovery means", rated, status)
    _check_delivered(load, outcome, [load.failing, load.risky, load.well, load.silent])
    overview = stage.get("health/overview")
    found_now = [overview[name] for name in ("healthy", "warning", "critical", "unknown")]
    outcome.expect("GET /health/overview afterwards", found_now, [3, 0, 0, 1])


def _check_healths(load: Load, outcome: Outcome, wanted: list[tuple[float | None, bool]]) -> None:
    """GET /health, /health/:id and the dashboard say the same, and what is documented."""
    stage = load.stage
    every = [load.failing, load.risky, load.well, load.silent]
    listed = {one["tenantId"]: one for one in stage.get("health")}
    board = {one["id"]: one for one in stage.get("tenants/dashboard")}
    for customer, (rate, is_at_risk) in zip(every, wanted, strict=True):
        one, shown = stage.get(f"health/{customer.id}"), board[customer.id]
        name = one["tenantName"]
        for place, found in (("/health", listed[customer.id]), ("/health/:id", one)):
            said = (found["errorRate"], found["slaRisk"], found["noisyNeighbour"])
            outcome.expect(f"{place} of {name}", said, (rate, is_at_risk, False))
        said = (shown["errorRate"], shown["slaRisk"], shown["healthStatus"])
        outcome.expect(f"dashboard of {name}", said, (rate, is_at_risk, one["status"]))
        seen = rate is not None
        known = [one[key] is not None for key in ("requestRate", "p50Ms", "p95Ms", "since")]
        outcome.expect(f"numbers of {name} that are known", known, [seen] * 4)
        outcome.expect(f"checkedAt of {name}", one["checkedAt"] is not None, wanted=True)


def _check_events(load: Load, outcome: Outcome, wanted: list[tuple[str, Any]]) -> None:
    """Exactly these in the outbox, in this order of cause; of the others nothing."""
    found = load.stage.rows(OUTBOX, load.failing.id)
    by_type = sorted(((kind, data) for _, kind, data in found), key=lambda one: one[0])
    outcome.expect("events of the failing", by_type, sorted(wanted, key=lambda one: one[0]))
    for customer in (load.risky, load.well, load.silent):
        others = load.stage.rows(OUTBOX, customer.id)
        outcome.expect("events of the others", others, [])


def _check_delivered(load: Load, outcome: Outcome, customers: list[Customer]) -> None:
    """Each event at both receivers, with the envelope's bytes the same at each time."""
    stage = load.stage
    for receiver, name in ((stage.hooks, "plain"), (stage.ordered, "ordered")):
        for customer in customers:
            events = stage.rows(OUTBOX, customer.id)
            wanted = {event_id: (kind, data) for event_id, kind, data in events}
            stage.until(partial(_has, receiver, set(wanted)), f"deliveries to the {name} receiver")
            for got in [one for one in list(receiver.got) if one.event_id in wanted]:
                said = json.loads(got.body)
                found = (said["type"], said["data"])
                outcome.expect(f"a delivery to the {name} receiver", found, wanted[said["id"]])
                is_envelope = ENVELOPE.match(got.body.decode()) is not None
                outcome.expect(f"envelope {got.body[:120]!r}", is_envelope, wanted=True)
    received = [one.event_id for one in stage.hooks.got]
    copies = len(received) - len(set(received))
    outcome.facts["events received, and copies"] = f"{len(set(received))}, {copies}"


def _has(receiver: Receiver, wanted: set[str]) -> bool:
    return wanted <= set(receiver.ids)


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value
