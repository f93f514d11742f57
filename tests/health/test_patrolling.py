"""The alert worker's round: whoever is in critical has an alert (A25, F9)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.health import alerting, patrolling, tasks
from apps.health.models import Alert, Current
from tenlyr.core import clock, jobs
from tenlyr.core.models import JobRun
from tests.cast import Customer
from tests.health.alarms import NOW, raised


def is_now(tenant: Customer, status: str, since: datetime = NOW) -> None:
    """How the tenant is, as the scan would have it."""
    Current.objects.update_or_create(
        tenant_id=tenant.id,
        defaults={
            "workspace_id": tenant.workspace.id,
            "status": status,
            "since": since,
            "error_rate": "12.4",
            "request_rate": 340.0,
        },
    )


@pytest.fixture(autouse=True)
def nobody_else(_database: None) -> None:
    """No tenant of another test is in critical."""
    Current.objects.all().delete()


def test_an_alert_that_is_missing_is_opened_once(acme: Customer, globex: Customer) -> None:
    is_now(acme, "critical")
    is_now(globex, "warning")
    assert [patrolling.watch_critical(NOW) for _ in range(2)] == [1, 0]
    alert = Alert.objects.get(workspace_id=acme.workspace.id)
    assert (alert.tenant_id, alert.type, alert.severity) == (acme.id, "health_critical", "critical")
    assert alert.title == "12.4 % of the calls fail"
    assert alert.metadata == {"errorRate": 12.4, "requestRate": 340.0, "slaRisk": True}


def test_one_that_is_open_is_left_alone(acme: Customer) -> None:
    is_now(acme, "critical")
    alert = raised(acme, kind="health_critical")
    assert patrolling.watch_critical(NOW) == 0
    alert.refresh_from_db()
    assert alert.count == 1


def test_one_that_was_resolved_since_stays_resolved(acme: Customer) -> None:
    is_now(acme, "critical", since=clock.now() - timedelta(minutes=1))
    raised(acme, kind="health_critical")
    alerting.resolve_all(workspace_id=acme.workspace.id)
    assert patrolling.watch_critical(clock.now()) == 0
    is_now(acme, "critical", since=clock.now() + timedelta(minutes=1))
    assert patrolling.watch_critical(clock.now()) == 1


def test_two_clocks_make_one_round(acme: Customer, settings: Any) -> None:
    # A period that does not end while the test runs, and that nobody worked in.
    century = timedelta(days=36_500)
    settings.ALERT_PERIOD_S = century.total_seconds()
    JobRun.objects.filter(job="health.patrol").delete()
    is_now(acme, "critical")
    assert tasks.patrol() >= 1
    assert not jobs.is_due("health.patrol", century)
    Alert.objects.filter(tenant_id=acme.id).delete()
    assert tasks.patrol() == 0
    assert not Alert.objects.filter(tenant_id=acme.id).exists()
    JobRun.objects.filter(job="health.patrol").delete()
