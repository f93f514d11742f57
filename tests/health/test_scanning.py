"""The scan: what the last minutes say of each tenant (A23, X5, X37, F8)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from apps.health import looking, scanning
from apps.health.models import Current, Progress
from apps.health.public import overview
from apps.metering import outages
from apps.metering.public import ensure_partitions
from tests import cast
from tests.cast import Account, Customer
from tests.health.support import (
    MINUTE,
    calls,
    current,
    event,
    health,
    kinds,
    quiet_hour,
    scan,
    send,
)
from tests.metering import second

SECOND = timedelta(seconds=1)


class TestStatus:
    def test_the_documented_bounds_all_in_one_scan(self, workspace: Account) -> None:
        now = quiet_hour() + 10 * MINUTE
        expected = {29: "healthy", 30: "warning", 100: "warning", 101: "critical"}
        made = {errors: cast.tenant(workspace, plan="growth") for errors in expected}
        for errors, tenant in made.items():
            send(tenant, *calls(now - MINUTE, 1000, errors))
        silent = cast.tenant(workspace)
        done = scan(now)
        found = {errors: health(tenant) for errors, tenant in made.items()}
        assert {errors: one.status for errors, one in found.items()} == expected
        assert [one.error_rate for one in found.values()] == [2.9, 3.0, 10.0, 10.1]
        assert [one.sla_risk for one in found.values()] == [False, True, True, True]
        assert done.tenants == 4
        assert health(silent).status == "unknown"
        assert health(silent).checked_at == now
        seen = overview(workspace.id)
        assert (seen.total, seen.healthy, seen.warning, seen.critical) == (5, 1, 2, 1)
        assert (seen.unknown, seen.avg_error_rate) == (1, 6.5)

    def test_events_that_say_nothing_are_unknown_never_healthy(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 12, statusCode=None))
        scan(now)
        found = health(acme)
        assert (found.status, found.error_rate, found.sla_risk) == ("unknown", None, False)
        assert found.request_rate == 2.4
        assert kinds(acme) == []

    def test_of_what_says_nothing_the_rate_knows_nothing(self, acme: Customer) -> None:
        """The rate is that of the events that say whether they failed."""
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 90, statusCode=None), *calls(now - MINUTE, 10, errors=1))
        scan(now)
        assert (health(acme).status, health(acme).error_rate) == ("warning", 10.0)

    def test_what_an_error_is(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        at = now - MINUTE
        fine = [event(at, statusCode=404), event(at, statusCode=499), event(at, success=True)]
        failed = [
            event(at, statusCode=500),
            event(at, success=False, statusCode=None),
            event(at, success=False, statusCode=200),
        ]
        send(acme, *fine, *failed)
        scan(now)
        assert health(acme).error_rate == 50.0

    def test_all_metrics_count_and_calls_alone_are_requests(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        computed = calls(now - MINUTE, 10, errors=10, metric="compute")
        send(acme, *calls(now - MINUTE, 30), *computed)
        scan(now)
        assert (health(acme).error_rate, health(acme).request_rate) == (25.0, 6.0)

    def test_latencies(self, acme: Customer, globex: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        slow = calls(now - MINUTE, 6, latencyMs=1500)
        send(acme, *calls(now - 2 * MINUTE, 94, latencyMs=30), *slow)
        send(globex, *calls(now - MINUTE, 1))
        scan(now)
        found = health(acme)
        # Within a place of the histogram (20 to 50, 1,000 to 2,000) the spread is taken as even.
        assert 20 <= (found.p50_ms or 0) < 50
        assert 1000 <= (found.p95_ms or 0) < 2000
        assert (health(globex).p50_ms, health(globex).p95_ms) == (None, None)

    @pytest.mark.parametrize(("latency", "low", "high"), [(0, 0, 1), (90_000, 30_000, 30_000)])
    def test_latencies_at_the_ends(
        self, acme: Customer, latency: int, low: float, high: float
    ) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, event(now - MINUTE, latencyMs=latency))
        scan(now)
        for found in (health(acme).p50_ms, health(acme).p95_ms):
            assert found is not None
            assert low <= found <= high


class TestWindow:
    def test_it_begins_with_a_whole_minute(self) -> None:
        now = quiet_hour() + 10 * MINUTE + 30 * SECOND
        window = looking.last_minutes(now)
        assert window.since == now - 5 * MINUTE - 30 * SECOND
        assert (window.until, window.minutes) == (now, 5.5)

    def test_its_first_and_last_events(self, workspace: Account) -> None:
        now = quiet_hour() + 10 * MINUTE + 30 * SECOND
        begin = now - 5 * MINUTE - 30 * SECOND
        moments = {begin - SECOND: "unknown", begin: "healthy", now: "healthy"}
        made = {at: cast.tenant(workspace) for at in moments}
        for at, tenant in made.items():
            send(tenant, event(at))
        scan(now)
        assert {at: health(tenant).status for at, tenant in made.items()} == moments

    def test_a_clock_that_is_ahead_is_heard_when_its_time_comes(self, acme: Customer) -> None:
        """What a fast clock sends ends up in the scans of its own minutes: once, not more."""
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now + 3 * MINUTE, 10, errors=10))
        scan(now)
        assert health(acme).status == "unknown"
        scan(now + 3 * MINUTE)
        assert health(acme).status == "unknown"
        scan(now + 3 * MINUTE + SECOND)
        assert (health(acme).status, health(acme).error_rate) == ("critical", 100.0)

    def test_a_clock_that_is_slow_is_heard_within_the_window(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - 4 * MINUTE, 10, errors=1))
        scan(now)
        assert health(acme).status == "warning"
        send(acme, *calls(now - 20 * MINUTE, 10, errors=10))
        scan(now + SECOND)
        assert health(acme).error_rate == 10.0

    def test_the_settings_say_how_long(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, event(now - 2 * MINUTE))
        with override_settings(HEALTH_WINDOW_S=60):
            scan(now)
            assert health(acme).status == "unknown"
        with override_settings(HEALTH_WINDOW_S=120):
            scan(now)
            assert health(acme).status == "healthy"
            assert health(acme).request_rate == 0.5


class TestPlaces:
    def test_every_level_in_one_scan(
        self, acme: Customer, globex: Customer, initech: Customer, database: str
    ) -> None:
        now = quiet_hour() + 10 * MINUTE
        for tenant, errors in ((acme, 0), (globex, 5), (initech, 20)):
            send(tenant, *calls(now - MINUTE, 100, errors))
        done = scan(now)
        found = [health(tenant).status for tenant in (acme, globex, initech)]
        assert found == ["healthy", "warning", "critical"]
        assert done.tenants == 3
        assert f"{database}_fleet" not in done.away

    def test_who_lives_in_a_database_that_is_away_is_unknown_and_others_go_on(
        self, acme: Customer, initech: Customer, database: str
    ) -> None:
        now = quiet_hour() + 10 * MINUTE
        for tenant in (acme, initech):
            send(tenant, *calls(now - MINUTE, 10, errors=2), *calls(now + MINUTE, 10, errors=2))
        scan(now)
        fleet = f"{database}_fleet"
        with second.away(database):
            done = scan(now + SECOND)
            assert fleet in done.away
            assert Progress.objects.get(pk=fleet).away_since == now + SECOND
            assert [health(one).status for one in (acme, initech)] == ["critical", "unknown"]
            assert health(initech).error_rate is None
        outages._outages.clear()
        # It never was well again: what began goes on, and is told once.
        assert fleet not in scan(now + 2 * MINUTE).away
        assert Progress.objects.get(pk=fleet).away_since is None
        assert [health(one).status for one in (acme, initech)] == ["critical", "critical"]
        assert kinds(initech) == ["health.critical"]

    def test_rows_that_a_tenant_left_behind_are_not_counted(
        self, acme: Customer, database: str
    ) -> None:
        """During a move, and until the old place is purged, minutes lie at both places."""
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10, errors=10))
        second.place(acme, second.location(database))
        ensure_partitions()
        send(acme, *calls(now - MINUTE, 30))
        scan(now)
        assert (health(acme).status, health(acme).request_rate) == ("healthy", 6.0)

    def test_many_schemas_are_read_some_at_a_time(
        self, globex: Customer, workspace: Account, monkeypatch: Any
    ) -> None:
        from apps.metering import recent

        monkeypatch.setattr(recent, "SCHEMAS_A_STATEMENT", 1)
        now = quiet_hour() + 10 * MINUTE
        umbrella = cast.tenant(workspace, "Umbrella", isolation_level="dedicated_schema")
        for tenant in (globex, umbrella):
            send(tenant, *calls(now - MINUTE, 4, errors=1))
        assert scan(now).tenants == 2
        assert [health(one).error_rate for one in (globex, umbrella)] == [25.0, 25.0]


class TestWriting:
    def test_what_stays_the_same_is_not_written(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10))
        scan(now)

        def version() -> str:
            rows = Current.objects.filter(pk=acme.id).extra(select={"version": "xmin::text"})
            return str(rows.values_list("version", flat=True).get())

        before = version()
        assert scan(now).changes == 0
        assert version() == before
        send(acme, *calls(now - MINUTE, 10, errors=1, metric="compute"))
        assert scan(now).changes == 1

    def test_numbers_go_on_while_the_status_stays(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10))
        scan(now)
        send(acme, *calls(now, 10))
        scan(now + MINUTE)
        assert health(acme).request_rate == 4.0
        assert health(acme).since == now

    def test_who_sends_nothing_any_more_is_unknown(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10))
        scan(now)
        scan(now + 10 * MINUTE)
        found = health(acme)
        assert (found.status, found.error_rate, found.request_rate) == ("unknown", None, None)
        assert found.since == now + 10 * MINUTE

    def test_numbers_of_nobody_knows_go_too(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10, statusCode=None))
        scan(now)
        assert current(acme).request_rate == 2.0
        scan(now + 10 * MINUTE)
        assert current(acme).request_rate is None
        assert health(acme).since == now

    def test_a_look_that_took_long_does_not_undo_a_later_one(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10, errors=1), *calls(now + 9 * MINUTE, 10))
        scan(now + 10 * MINUTE)
        assert scanning.scan(now) is None
        assert health(acme).status == "healthy"
