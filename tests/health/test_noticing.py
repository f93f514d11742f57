"""Noisy neighbours are told of once when they begin and once when it is over (A26)."""

from datetime import datetime

import pytest

from apps.health import noise, noticing
from apps.health.models import Current, History
from apps.health.public import statuses
from tests import cast
from tests.cast import Account, Customer
from tests.core import threads
from tests.health.support import HOUR, MINUTE, calls, kinds, quiet_hour, scan, send, told

NOISY, QUIET = "health.noisy_neighbour", "health.neighbour_quiet"


@pytest.fixture
def fleet(workspace: Account) -> list[Customer]:
    """Four tenants of one database."""
    return [cast.tenant(workspace, f"Tenant {n}", plan="growth") for n in range(4)]


def give_past(tenant: Customer, now: datetime, per_minute: int, hours: int = 24) -> None:
    """Hours in which the tenant's load was always the same."""
    History.objects.bulk_create(
        History(
            tenant_id=tenant.id,
            at=now.replace(minute=0) - number * HOUR,
            kind=History.Kind.HOUR,
            workspace_id=tenant.workspace.id,
            status="healthy",
            events=60 * per_minute,
            requests=60 * per_minute,
        )
        for number in range(1, hours + 1)
    )


def send_all(fleet: list[Customer], now: datetime, loud: int) -> None:
    """Everybody sends a bit, the first one `loud` calls; 300 or more in five minutes together."""
    for tenant in fleet[1:]:
        send(tenant, *calls(now - MINUTE, 50))
    send(fleet[0], *calls(now - MINUTE, loud))


def test_from_noisy_to_quiet(fleet: list[Customer]) -> None:
    now = quiet_hour() + 10 * MINUTE
    send_all(fleet, now, loud=600)
    scan(now)
    assert kinds(fleet[0]) == []  # of a newcomer nobody can say what is unusual
    for tenant in fleet:
        give_past(tenant, now, per_minute=10)
    for _ in range(2):
        scan(now)
    ((kind, data),) = told(fleet[0])
    assert kind == NOISY
    assert data == {
        "tenantId": str(fleet[0].id),
        "message": "Tenant 0 makes 80% of the load of its database: 120 of 150 events a minute,"
        " with 4 tenants active. That is 12.0 times its usual 10 (median of 24 hours).",
        "share": 80,
        "eventsPerMinute": 120,
        "fleetEventsPerMinute": 150,
        "activeTenants": 4,
        "usualEventsPerMinute": 10,
    }
    assert statuses([fleet[0].id])[fleet[0].id].is_noisy
    assert [kinds(tenant) for tenant in fleet[1:]] == [[]] * 3
    later = now + 10 * MINUTE
    send_all(fleet, later, loud=10)
    for _ in range(2):
        scan(later)
    assert kinds(fleet[0]) == [NOISY, QUIET]
    assert not statuses([fleet[0].id])[fleet[0].id].is_noisy


def test_four_who_notice_at_once_tell_once(fleet: list[Customer]) -> None:
    now = quiet_hour() + 10 * MINUTE
    send_all(fleet, now, loud=600)
    scan(now)
    give_past(fleet[0], now, per_minute=10)
    load = noise.Load(120, 150, 4)
    judged = threads.together([lambda: noticing._judge(fleet[0].id, load, now)] * 4)
    assert sorted(judged) == [False, False, False, True]
    assert kinds(fleet[0]) == [NOISY]


def test_a_tenant_without_a_row_is_nobody(fleet: list[Customer]) -> None:
    now = quiet_hour()
    give_past(fleet[0], now, per_minute=10)
    assert not noticing._judge(fleet[0].id, noise.Load(120, 150, 4), now)
    assert not Current.objects.filter(pk=fleet[0].id).exists()
