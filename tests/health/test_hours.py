"""The history: an hour of each tenant, the worst that it was, once however often written (A29)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.health import hours, partitions
from apps.health.models import Current, History, Progress
from apps.metering import outages
from tests.cast import Api, Customer
from tests.core import threads
from tests.health.support import HOUR, MINUTE, calls, quiet_hour, scan, send
from tests.metering import second

SETTLED = HOUR + hours.SETTLED_AFTER


@pytest.fixture(autouse=True)
def _months() -> None:
    partitions.ensure(quiet_hour())


def hourly(tenant: Customer) -> list[History]:
    rows = History.objects.filter(tenant_id=tenant.id, kind=History.Kind.HOUR)
    return list(rows.order_by("at"))


def roll_up(now: datetime) -> int:
    """As of a moment, in databases that never were rolled up."""
    Progress.objects.all().delete()
    return hours.roll_up(now)


class TestHours:
    def test_what_an_hour_says(self, acme: Customer) -> None:
        hour = quiet_hour()
        first = calls(hour, 300, errors=3, latencyMs=30)
        send(acme, *first, *calls(hour + 59 * MINUTE, 300, errors=3, latencyMs=300))
        send(acme, *calls(hour + 59 * MINUTE, 30, metric="compute"))
        scan(hour + 10 * MINUTE)
        scan(hour + HOUR)
        roll_up(hour + SETTLED)
        (row,) = hourly(acme)
        assert (row.at, row.workspace_id, row.status) == (hour, acme.workspace.id, "healthy")
        assert (row.events, row.requests, row.request_rate) == (630, 600, 10.0)
        assert float(row.error_rate or 0) == 1.0
        assert row.p50_ms is not None
        assert row.p95_ms is not None
        assert row.p50_ms <= 50
        assert 200 <= row.p95_ms < 500

    def test_what_lies_outside_is_another_hours(self, acme: Customer) -> None:
        hour = quiet_hour()
        moments = (hour - timedelta(seconds=1), hour, hour + HOUR - timedelta(seconds=1))
        send(acme, *(one for at in moments for one in calls(at, 1)), *calls(hour + HOUR, 5))
        scan(hour + HOUR)
        roll_up(hour + SETTLED)
        assert [(row.at, row.events) for row in hourly(acme)] == [(hour, 2)]

    @pytest.mark.parametrize(
        ("scanned", "expected"),
        [((), "healthy"), ((10,), "critical"), ((-10,), "critical"), ((-10, -1), "healthy")],
    )
    def test_the_worst_that_it_was(
        self, acme: Customer, scanned: tuple[int, ...], expected: str
    ) -> None:
        """A bad ten minutes of a good hour; or a bad end of the hour before, still in force."""
        hour = quiet_hour()
        send(acme, *calls(hour + 40 * MINUTE, 1000))
        for minutes in scanned:
            at = hour + minutes * MINUTE
            send(acme, *calls(at - MINUTE, 10, errors=0 if minutes == -1 else 5))
            scan(at)
        scan(hour + 41 * MINUTE)
        roll_up(hour + SETTLED)
        found = {row.at: row.status for row in hourly(acme)}
        assert found[hour] == expected

    def test_an_hour_without_events_is_no_row(self, acme: Customer) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour - MINUTE, 10))
        scan(hour)
        roll_up(hour + SETTLED)
        assert hourly(acme) == []


class TestProgress:
    def test_an_hour_waits_until_it_is_settled(self, acme: Customer) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour, 10))
        scan(hour + MINUTE)
        roll_up(hour + SETTLED - timedelta(seconds=1))
        assert hourly(acme) == []
        assert hours.roll_up(hour + SETTLED) >= 1
        assert [row.at for row in hourly(acme)] == [hour]
        assert hours.roll_up(hour + SETTLED) == 0

    def test_late_events_are_found_by_the_next_look(self, acme: Customer) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour, 10))
        scan(hour + MINUTE)
        roll_up(hour + SETTLED)
        send(acme, *calls(hour + 30 * MINUTE, 10, errors=10))
        hours.roll_up(hour + HOUR + SETTLED)
        (row,) = hourly(acme)
        assert (row.events, row.status) == (20, "critical")

    def test_hours_that_were_missed_are_made_good(self, acme: Customer) -> None:
        hour = quiet_hour()
        roll_up(hour)
        for number in range(4):
            send(acme, *calls(hour + number * HOUR, number + 1))
        scan(hour + 3 * HOUR + MINUTE)
        hours.roll_up(hour + 3 * HOUR + SETTLED)
        assert [row.events for row in hourly(acme)] == [1, 2, 3, 4]

    def test_two_at_once_write_one(self, acme: Customer) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour, 10))
        scan(hour + MINUTE)
        Progress.objects.all().delete()
        threads.together([lambda: hours.roll_up(hour + SETTLED)] * 3)
        assert [row.events for row in hourly(acme)] == [10]

    def test_a_worker_killed_in_the_middle_repeats_the_hour(
        self, acme: Customer, monkeypatch: Any
    ) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour, 10))
        scan(hour + MINUTE)

        def dying(**_named: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Progress.objects, "update_or_create", dying)
            with pytest.raises(KeyboardInterrupt):
                roll_up(hour + SETTLED)
        assert hourly(acme) == []
        hours.roll_up(hour + SETTLED)
        assert [row.events for row in hourly(acme)] == [10]

    def test_a_database_that_was_away_catches_up(
        self, acme: Customer, initech: Customer, database: str
    ) -> None:
        hour = quiet_hour()
        for tenant in (acme, initech):
            send(tenant, *calls(hour, 10))
        scan(hour + MINUTE)
        with second.away(database):
            roll_up(hour + SETTLED)
        assert [len(hourly(tenant)) for tenant in (acme, initech)] == [1, 0]
        outages._outages.clear()
        hours.roll_up(hour + SETTLED)
        assert [len(hourly(tenant)) for tenant in (acme, initech)] == [1, 1]

    def test_once_in_five_minutes_and_no_more(self) -> None:
        hours.roll_up_if_due()
        assert hours.roll_up_if_due() == 0


class TestHolding:
    def test_export_and_purge(self, acme: Customer) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour, 10, errors=5))
        scan(hour + MINUTE)
        roll_up(hour + SETTLED)
        from apps.health import holding

        whole, change = holding.export(acme.id)
        assert (change["kind"], change["status"], change["errorRate"]) == ("change", "critical", 50)
        assert (whole["kind"], whole["events"], whole["requestRate"]) == ("hour", 10, 0.2)
        assert holding.purge(acme.id) == 3
        assert holding.purge(acme.id) == 0
        assert not Current.objects.filter(pk=acme.id).exists()

    def test_the_export_of_a_tenant_has_it(self, acme: Customer) -> None:
        hour = quiet_hour()
        send(acme, *calls(hour, 10, errors=5))
        scan(hour + MINUTE)
        answer = Api().get(f"/api/v1/tenants/{acme.id}/export", key=acme.workspace.key)
        assert b"critical" in (answer.body if isinstance(answer.body, bytes) else b"") or (
            "critical" in str(answer.body)
        )
