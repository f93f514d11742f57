"""Alerts on quotas: one per tenant and metric, graver at 80, 90 and 95 % (J24, X14)."""

from typing import Any

import pytest

from apps.health import alerting, quotas
from apps.health.models import Alert, AlertStatus
from apps.health.quotas import threshold_of
from apps.tenants import lifecycle
from apps.tenants.public import TenantPlan
from tenlyr.core import clock
from tests.cast import Customer
from tests.health.alarms import told
from tests.metering.support import admit, caller, store


@pytest.fixture(scope="module", autouse=True)
def open_for_tracking(_database: None) -> None:
    """The counters are trusted: whatever was there is stored."""
    store()


def use(tenant: Customer, metric: str, value: int, **more: Any) -> None:
    """Count some use of the tenant's."""
    outcome = admit(caller(tenant), metric=metric, value=value, **more)
    assert not isinstance(outcome, Exception)


def scan(tenant: Customer, *, is_active: bool = True) -> int:
    return quotas.scan_some([(tenant.id, tenant.workspace.id, is_active)], clock.now())


def alerts(tenant: Customer, metric: str) -> list[Alert]:
    """Those on a metric, oldest first."""
    rows = Alert.objects.filter(tenant_id=tenant.id, type=f"quota_{metric}")
    return list(rows.order_by("created_at", "id"))


def resolve(tenant: Customer) -> None:
    alerting.resolve_all(workspace_id=tenant.workspace.id)
    # By hand: what is settled by itself says `system`.
    Alert.objects.filter(tenant_id=tenant.id).update(resolved_by="admin_key")


@pytest.mark.parametrize(
    ("used", "limit", "reached"),
    [
        (0, 0, None),
        (1, 0, 95),
        (10, None, None),
        (799, 1_000, None),
        (800, 1_000, 80),
        (899, 1_000, 80),
        (900, 1_000, 90),
        (949, 1_000, 90),
        (950, 1_000, 95),
        (2_000, 1_000, 95),
        (8 * 10**17 - 1, 10**18, None),
        (8 * 10**17, 10**18, 80),
    ],
)
def test_a_threshold_is_reached_exactly_there(
    used: int, limit: int | None, reached: int | None
) -> None:
    assert threshold_of(used, limit) == reached


class TestThresholds:
    def test_it_opens_rises_and_is_settled(self, acme: Customer) -> None:
        """Growth has ten seats."""
        seen = []
        for seats in (7, 8, 8, 9, 10, 9, 7):
            use(acme, "seats", seats, mode="set")
            changed = scan(acme)
            [*_, last] = alerts(acme, "seats") or [None]
            seen.append((changed, last and last.severity, last and last.status))
        assert seen == [
            (0, None, None),
            (1, "info", "open"),
            (0, "info", "open"),
            (1, "warning", "open"),
            (1, "critical", "open"),
            (0, "critical", "open"),
            (1, "critical", "resolved"),
        ]
        [alert] = alerts(acme, "seats")
        assert (alert.count, alert.resolved_by) == (3, "system")
        assert alert.metadata["threshold"] == 95
        assert len(told(acme.workspace.id)) == 1

    def test_it_says_what_it_is_about(self, acme: Customer) -> None:
        use(acme, "api_call", 92_500)
        scan(acme)
        [alert] = alerts(acme, "api_call")
        period = f"{clock.now():%Y-%m}"
        assert alert.title == "92.5 % of the plan's API calls are used"
        assert alert.message == (
            f"92,500 of 100,000 API calls are used in {period}. Calls beyond it are refused."
        )
        assert alert.metadata == {
            "metric": "api_call",
            "threshold": 90,
            "percentage": 92.5,
            "used": 92_500,
            "limit": 100_000,
            "period": period,
        }

    def test_each_metric_has_its_own(self, acme: Customer) -> None:
        use(acme, "seats", 10, mode="set")
        use(acme, "compute", 9_500)
        assert scan(acme) == 2
        assert {row.type for row in Alert.objects.filter(tenant_id=acme.id)} == {
            "quota_seats",
            "quota_compute",
        }

    def test_a_greater_plan_settles_it(self, acme: Customer) -> None:
        use(acme, "seats", 10, mode="set")
        scan(acme)
        lifecycle.change_plan(
            workspace_id=acme.workspace.id, tenant_id=acme.id, plan=TenantPlan.SCALE
        )
        assert scan(acme) == 1
        assert [one.status for one in alerts(acme, "seats")] == ["resolved"]


class TestPeriods:
    def test_a_new_period_settles_the_old_ones(self, acme: Customer) -> None:
        use(acme, "api_call", 80_000)
        use(acme, "seats", 8, mode="set")
        scan(acme)
        for alert in Alert.objects.filter(tenant_id=acme.id):
            Alert.objects.filter(pk=alert.pk).update(
                metadata={**alert.metadata, "period": "2026-01"}
            )
        assert scan(acme) == 2
        # The calls of the new period are as many; seats are a level, and begin no period.
        assert [one.status for one in alerts(acme, "api_call")] == ["resolved", "open"]
        assert [one.status for one in alerts(acme, "seats")] == ["open"]


class TestByHand:
    def test_resolved_it_comes_back_for_a_higher_threshold_only(self, acme: Customer) -> None:
        use(acme, "seats", 8, mode="set")
        scan(acme)
        resolve(acme)
        assert scan(acme) == 0
        use(acme, "seats", 9, mode="set")
        assert scan(acme) == 1
        assert [(one.severity, one.status) for one in alerts(acme, "seats")] == [
            ("info", "resolved"),
            ("warning", "open"),
        ]

    def test_resolved_it_comes_back_in_a_later_period(self, acme: Customer) -> None:
        use(acme, "api_call", 80_000)
        scan(acme)
        resolve(acme)
        assert scan(acme) == 0
        [alert] = alerts(acme, "api_call")
        Alert.objects.filter(pk=alert.pk).update(metadata={**alert.metadata, "period": "2026-01"})
        assert scan(acme) == 1

    def test_settled_it_opens_again_at_the_same_threshold(self, acme: Customer) -> None:
        for seats in (8, 7, 8):
            use(acme, "seats", seats, mode="set")
            scan(acme)
        assert [one.status for one in alerts(acme, "seats")] == ["resolved", "open"]


class TestWhose:
    def test_of_one_that_is_not_active_it_is_settled_but_not_opened(self, acme: Customer) -> None:
        use(acme, "seats", 8, mode="set")
        assert scan(acme, is_active=False) == 0
        scan(acme)
        use(acme, "seats", 7, mode="set")
        assert scan(acme, is_active=False) == 1

    def test_every_tenant_is_looked_at(
        self, acme: Customer, stranger: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quotas, "CHUNK", 50)
        for tenant in (acme, stranger):
            use(tenant, "seats", 9, mode="set")
        assert quotas.scan(clock.now()) >= 2
        for tenant in (acme, stranger):
            assert [one.status for one in alerts(tenant, "seats")] == [AlertStatus.OPEN]
