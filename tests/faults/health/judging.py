"""Done 6, what must be true afterwards: one event and one alert for each change that the plan has,
each told to everybody, none doubled or missed.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tenlyr.core import clock
from tests.faults.health.flapping import CRITICAL, Story, Tenant
from tests.faults.health.stage import Stage, expect, ids_of
from tests.webhooks.receiving import Receiver

CRITICAL_EVENT, RECOVERED, CREATED = "health.critical", "health.recovered", "alert.created"
CHANGES = """
SELECT status FROM health_history WHERE tenant_id = %s AND kind = 'change' ORDER BY at
"""
EVENTS = """
SELECT id, type, created_at, data FROM webhooks_outboxevent WHERE tenant_id = %s ORDER BY seq
"""
ALERTS = """
SELECT id, type, status, count, created_at FROM health_alert
WHERE tenant_id = %s ORDER BY created_at
"""
ALL_EVENTS = """
SELECT id, type, created_at, data, tenant_id FROM webhooks_outboxevent ORDER BY seq
"""
DELIVERIES = """
SELECT e.url, d.event_id, d.status, count(*) FROM webhooks_delivery d
JOIN webhooks_endpoint e ON e.id = d.endpoint_id GROUP BY 1, 2, 3
"""
NOT_DELIVERED = """
SELECT (SELECT count(*) FROM webhooks_outboxevent WHERE NOT is_fanned_out)
     + (SELECT count(*) FROM webhooks_delivery WHERE status <> 'delivered')
"""
NOTICES = "SELECT alert_id, count(*) FROM health_notice GROUP BY 1"
# Alerts that a channel was not told of yet.
NOT_TOLD = """
SELECT count(*) FROM health_notice n LEFT JOIN health_message m ON m.id = n.message_id
WHERE m.status IS NULL OR m.status = 'pending'
"""
MESSAGES = """
SELECT m.id, m.status, array_agg(n.alert_id::text) FROM health_message m
JOIN health_notice n ON n.message_id = m.id GROUP BY 1, 2
"""
ATTEMPTS = "SELECT count(*), count(*) FILTER (WHERE outcome = 'interrupted') FROM webhooks_attempt"
DELIVERY_S, TELLING_S = 180.0, 420.0


@dataclass
class Verdict:
    """Rows of the table, and what does not hold."""

    rows: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note a violation unless both are the same."""
        expect(self.violations, what, found, wanted)


def judge(stage: Stage, story: Story, *, with_channel: bool) -> Verdict:
    """Wait until everything is told, and join all of it. The channel's minutes take minutes."""
    verdict = Verdict()
    for tenant in story.tenants:
        _judge_tenant(stage, tenant, verdict)
    stage.until(
        lambda: stage.one(NOT_DELIVERED) == 0, "every event delivered", timeout_s=DELIVERY_S
    )
    _judge_deliveries(stage, verdict)
    _judge_notices(stage, verdict)
    if with_channel:
        stage.until(lambda: stage.one(NOT_TOLD) == 0, "every notice told", timeout_s=TELLING_S)
        _judge_messages(stage, verdict)
    verdict.rows["scans"] = f"{stage.scans():,}"
    attempts, interrupted = stage.rows(ATTEMPTS)[0]
    verdict.rows["POSTs, of which cut off"] = f"{attempts:,}, {interrupted:,}"
    return verdict


# ---- one tenant: plan = history = events = alerts
def _judge_tenant(stage: Stage, tenant: Tenant, verdict: Verdict) -> None:
    tenant_id = tenant.customer.id
    changes = ids_of(stage.rows(CHANGES, tenant_id))
    verdict.expect(f"history of {tenant_id}", changes, tenant.planned)
    events = stage.rows(EVENTS, tenant_id)
    told = [kind for _, kind, _, _ in events if kind.startswith("health.")]
    verdict.expect(f"health events of {tenant_id}", told, events_of(changes))
    alerts = [row for row in stage.rows(ALERTS, tenant_id) if row[1] == "health_critical"]
    begun = [at for _, kind, at, _ in events if kind == CRITICAL_EVENT]
    verdict.expect(f"openings of {tenant_id}", [row[4] for row in alerts], begun)
    statuses = ["resolved"] * len(begun)
    if tenant.status == CRITICAL:
        statuses[-1:] = ["open"]
    verdict.expect(f"alerts of {tenant_id}", [row[2] for row in alerts], statuses)
    verdict.expect(f"counts of {tenant_id}", {row[3] for row in alerts} - {1}, set())
    created = [data["alertId"] for _, kind, _, data in events if kind == CREATED]
    verdict.expect(f"alert.created of {tenant_id}", sorted(created), sorted(ids_of(alerts)))
    _count(verdict, "changes of status", len(changes))
    _count(verdict, "health events", len(told))
    _count(verdict, "openings of alerts", len(alerts))


def events_of(statuses: Iterable[str]) -> list[str]:
    """The events of a tenant that had these statuses: two kinds that take turns."""
    told: list[str] = []
    is_alarmed = False
    for status in statuses:
        if (status == CRITICAL) != is_alarmed:
            is_alarmed = not is_alarmed
            told.append(CRITICAL_EVENT if is_alarmed else RECOVERED)
    return told


def _count(verdict: Verdict, what: str, number: int) -> None:
    verdict.rows[what] = str(int(verdict.rows.get(what, "0")) + number)


# ---- everybody's: events = deliveries = what came
def _judge_deliveries(stage: Stage, verdict: Verdict) -> None:
    events = {row[0]: row for row in stage.rows(ALL_EVENTS)}
    made: dict[str, Counter[str]] = defaultdict(Counter)
    for url, event_id, status, number in stage.rows(DELIVERIES):
        made[url][f"{event_id} {status}"] += number
    wanted = Counter(f"{event_id} delivered" for event_id in events)
    for receiver, name in ((stage.hooks, "plain"), (stage.ordered, "ordered")):
        verdict.expect(f"deliveries to the {name} receiver", _odd(made[receiver.url], wanted), [])
        received = set(receiver.ids)
        verdict.expect(f"missed by the {name} receiver", sorted(set(events) - received), [])
        verdict.expect(f"unknown at the {name} receiver", sorted(received - set(events)), [])
        _judge_bodies(receiver, name, events, verdict)
        copies = len(receiver.got) - len(received)
        verdict.rows[f"events at the {name} receiver"] = f"{len(received):,}, {copies} copies"
    first = list(dict.fromkeys(stage.ordered.ids))
    for tenant in {str(row[4]) for row in events.values()}:
        came = [one for one in first if one in events and str(events[one][4]) == tenant]
        sent = [one for one, row in events.items() if str(row[4]) == tenant]
        verdict.expect(f"the order of {tenant}'s events", came, sent)


def _odd(found: Counter[str], wanted: Counter[str]) -> list[str]:
    return sorted([*(found - wanted).elements(), *(wanted - found).elements()])


def _judge_bodies(
    receiver: Receiver, name: str, events: dict[str, tuple[Any, ...]], verdict: Verdict
) -> None:
    """One body for an id, at every time; and it says what the outbox says."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for got in list(receiver.got):
        bodies[got.event_id].add(got.body)
    several = sorted(event_id for event_id, said in bodies.items() if len(said) > 1)
    verdict.expect(f"ids with several bodies at the {name} receiver", several, [])
    for event_id, said in bodies.items():
        if event_id not in events:
            continue
        _, kind, at, data, _ = events[event_id]
        wanted = {"id": event_id, "type": kind, "createdAt": clock.iso(at), "data": data}
        verdict.expect(f"the body of {event_id}", json.loads(next(iter(said))), wanted)


# ---- the channel: one notice for each opening, told once
def _judge_notices(stage: Stage, verdict: Verdict) -> None:
    noted = {str(alert_id): number for alert_id, number in stage.rows(NOTICES)}
    alerts = ids_of(stage.rows("SELECT id FROM health_alert"))
    verdict.expect("notices, one for each opening", noted, dict.fromkeys(alerts, 1))
    verdict.rows["notices"] = str(len(noted))


def _judge_messages(stage: Stage, verdict: Verdict) -> None:
    """Each opening in one message; a worker that died may have sent the same one twice."""
    messages = stage.rows(MESSAGES)
    odd = [(str(one), status) for one, status, _ in messages if status not in ("sent", "failed")]
    verdict.expect("messages neither sent nor given up", odd, [])
    came: dict[str, set[str]] = defaultdict(set)
    for got in list(stage.channel.got):
        for alert in got.event["data"]["alerts"]:
            came[alert["id"]].add(got.event_id)
    several = {alert: sorted(ids) for alert, ids in came.items() if len(ids) > 1}
    verdict.expect("alerts told in several messages", several, {})
    told = {alert for _, status, alerts in messages if status == "sent" for alert in alerts}
    verdict.expect("alerts that no channel heard of", sorted(told - set(came)), [])
    failed = [str(one) for one, status, _ in messages if status == "failed"]
    verdict.expect("messages given up", failed, [])
    copies = len(stage.channel.got) - len({one.event_id for one in stage.channel.got})
    verdict.rows["messages of the channel"] = f"{len(messages)}, {copies} copies"
