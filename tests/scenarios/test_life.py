"""A customer's life over the real product's HTTP: signup → track → limit → upgrade → move while
tracking → terminate.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cast import email
from tests.scenarios.caller import BOUND_S, TIMEOUT_S, Caller, moved, until

pytestmark = pytest.mark.timeout(TIMEOUT_S)
# Long enough for several events on both sides of the flip, slow enough for a busy machine.
PAUSE_S = 0.02
STARTER_LIMIT = 1_000
MOST_LISTED = 1_000


@contextmanager
def tracking(caller: Caller, answers: list[int]) -> Iterator[None]:
    """One call after the other until the end of the block; each status is kept."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(PAUSE_S):
            answers.append(caller.track().status_code)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


def test_a_life(product: Any, operator: Caller) -> None:
    made = operator(
        "POST", "/tenants", {"name": "Acme", "ownerEmail": email(), "plan": "starter"}, status=201
    )
    tenant = made["tenant"]
    assert (tenant["status"], tenant["isolationLevel"]) == ("active", "shared_schema")
    with Caller(product.url, made["apiKey"]) as customer:
        tracks_up_to_its_limit(customer)
        operator("PATCH", f"/tenants/{tenant['id']}/plan", {"plan": "growth"})
        until(lambda: customer.track().status_code == 201, BOUND_S)
        answers = moves_up_while_it_tracks(customer, operator, tenant["id"])
        total, events = STARTER_LIMIT + 1 + len(answers), 3 + len(answers)
        assert customer("GET", "/usage/metrics")["apiCalls"] == total
        nothing_is_lost(customer, operator, tenant["id"], total, events)
        ends(customer, operator, tenant["id"])


def tracks_up_to_its_limit(customer: Caller) -> None:
    """Exactly as much as the plan allows, and not one more."""
    assert customer.track(STARTER_LIMIT - 1).status_code == 201
    assert customer.track().status_code == 201
    refused = customer.track()
    assert (refused.status_code, refused.json()["code"]) == (400, "plan_limit_exceeded")


def moves_up_while_it_tracks(customer: Caller, operator: Caller, tenant_id: str) -> list[int]:
    """To a schema, then to a database of its own; the status of each call meanwhile."""
    answers: list[int] = []
    with tracking(customer, answers):
        until(lambda: len(answers) >= 10, BOUND_S)
        for level in ("dedicated_schema", "dedicated_database"):
            record = moved(customer, tenant_id, level, by=operator)
            assert (record["status"], record["error"]) == ("completed", None)
            assert operator("GET", f"/tenants/{tenant_id}")["isolationLevel"] == level
            goes_on_from = len(answers)
            until(lambda since=goes_on_from: len(answers) > since + 10, BOUND_S)
    assert set(answers) == {201}
    listed = customer("GET", "/isolation/migrations")
    assert [one["toLevel"] for one in listed] == ["dedicated_database", "dedicated_schema"]
    assert listed[0]["provided"]
    return answers


def nothing_is_lost(
    customer: Caller, operator: Caller, tenant_id: str, total: int, events: int
) -> None:
    """All that was counted is stored, once, at the new place."""

    def stored() -> Any:
        found = operator("GET", f"/tenants/{tenant_id}/export")["usage"]
        return found if len(found) == events else None

    assert sum(event["value"] for event in until(stored, BOUND_S)) == total
    newest = customer("GET", f"/usage/events?limit={MOST_LISTED}")
    assert len(newest) == min(events, MOST_LISTED)


def ends(customer: Caller, operator: Caller, tenant_id: str) -> None:
    """Terminated, then deleted: nobody gets in any more, and nothing moves."""
    operator("POST", f"/tenants/{tenant_id}/terminate", {})
    refused = until(lambda: (said := customer.track()).status_code == 401 and said, BOUND_S)
    assert refused.json()["code"] == "tenant_terminated"
    body = {"tenantId": tenant_id, "targetLevel": "dedicated_database"}
    assert operator("POST", "/isolation/migrate", body, status=400)["code"] == "tenant_not_movable"
    operator("DELETE", f"/tenants/{tenant_id}", status=204)
    operator("GET", f"/tenants/{tenant_id}", status=404)
    operator("POST", "/isolation/migrate", body, status=404)
    assert customer.track().status_code == 401
