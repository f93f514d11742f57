"""The operator hears it first: a started product with two clocks, and a worker that is killed."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tenlyr import env
from tenlyr.runtime import product as commands
from tenlyr.runtime.supervisor import Command
from tests.scenarios.caller import TIMEOUT_S, Caller, until
from tests.stack import Product, Servers
from tests.stack.product import kill9

pytestmark = pytest.mark.timeout(TIMEOUT_S)
BOUND_S = 90
SHOWN = ("status", "errorRate", "slaRisk")
# As documented but for the periods: one second instead of a minute.
SETTINGS: dict[str, Any] = {
    "TENLYR_HEALTH_PERIOD_S": "1",
    "TENLYR_ALERT_PERIOD_S": "5",
    "TENLYR_API_RPM": "0",
}
EVENTS = """
SELECT type, tenant_id::text FROM webhooks_outboxevent
WHERE type LIKE 'health.%' OR type = 'alert.created' ORDER BY id
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Product]:
    """The product with the worker for what is prompt, and two clocks."""
    with Servers() as servers, Product(servers, web=1, prompt=True, **SETTINGS) as started:
        clocks = [
            Command(f"beat-{n}", commands.beat(), started.settings, env.BASE_DIR, started._note)
            for n in range(2)
        ]
        for clock in clocks:
            clock.start()
        try:
            yield started
        finally:
            for clock in clocks:
                clock.stop()


def send(tenant: Caller, count: int, errors: int) -> None:
    """So many calls at once, of which the last ones failed: none of it looks worse than all."""
    events = [
        {"metric": "api_call", "value": 1, "statusCode": 500 if number >= count - errors else 200}
        for number in range(count)
    ]
    counted = tenant("POST", "/usage/track/batch", events, status=200)
    assert counted["accepted"] == count


def told(running: Product) -> list[tuple[str, str]]:
    """The events of health and alerts, in order."""
    with psycopg.connect(running.servers.postgres.superuser_url) as connection:
        return connection.execute(EVENTS).fetchall()


def test_two_clocks_and_a_killed_worker_tell_each_thing_once(running: Product) -> None:
    with Caller(running.url, running.admin_key) as operator:
        made = [_tenant(operator, number) for number in range(3)]
        callers = [Caller(running.url, tenant["apiKey"]) for tenant in made]
        for caller, errors in zip(callers, (12, 5, 0), strict=True):
            send(caller, 100, errors)
        ids = [tenant["tenant"]["id"] for tenant in made]

        def seen() -> list[tuple[Any, ...]]:
            rows = {row["tenantId"]: row for row in operator("GET", "/health")}
            return [tuple(rows[one][name] for name in SHOWN) for one in ids]

        first = [("critical", 12.0, True), ("warning", 5.0, True), ("healthy", 0.0, False)]
        until(lambda: seen() == first, BOUND_S)
        found = operator("GET", "/health/overview")
        assert (found["total"], found["critical"], found["warning"]) == (3, 1, 1)
        assert running.prompt is not None
        kill9(running.prompt)
        # What fails no more is soon a small part of the same minutes.
        for caller in callers[:2]:
            send(caller, 900, 0)
        running.prompt.start()
        until(lambda: [status for status, *_ in seen()] == ["healthy"] * 3, BOUND_S)
        until(lambda: operator("GET", "/alerts/unresolved") == [], BOUND_S)
        expected = ("alert.created", "health.critical", "health.recovered")
        assert sorted(told(running)) == [(kind, ids[0]) for kind in expected]
        for caller in callers:
            caller.__exit__()


def _tenant(operator: Caller, number: int) -> Any:
    body = {"name": f"Tenant {number}", "ownerEmail": f"o{number}@example.com", "plan": "growth"}
    return operator("POST", "/tenants", body, status=201)
