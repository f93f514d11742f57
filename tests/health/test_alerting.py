"""Raising and resolving: one open alert per tenant and type, whoever calls at once (A25, X29)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from apps.health import alerting
from apps.health.errors import AlertNotFound
from apps.health.models import Alert, AlertStatus, Severity
from apps.tenants.public import TenantNotFound
from tenlyr.core import context, registry
from tenlyr.core.context import RequestContext
from tests.cast import Account, Customer
from tests.core.transactions import undone
from tests.health.alarms import NOW, SAID, raised, recorded, told
from tests.tenants.support import at_once


def resolve(alert: Alert, **more: Any) -> Alert:
    return alerting.resolve(workspace_id=alert.workspace_id, alert_id=alert.id, **more)


class TestRaising:
    def test_it_opens_and_tells(self, acme: Customer) -> None:
        alert = raised(acme, metadata={"disk": "sda"}, now=NOW)
        assert (alert.status, alert.count, alert.metadata) == ("open", 1, {"disk": "sda"})
        assert (alert.created_at, alert.last_at, alert.resolved_at) == (NOW, NOW, None)
        assert told(acme.workspace.id) == [
            {
                "alertId": str(alert.id),
                "tenantId": str(acme.id),
                "type": "disk_full",
                "severity": "warning",
                "title": "The disk is full",
                "message": "97 % of 100 GB",
            }
        ]

    def test_a_repeat_counts_and_brings_its_words(self, acme: Customer) -> None:
        first = raised(acme, now=NOW, metadata={"a": 1})
        later = NOW + timedelta(minutes=5)
        again = raised(acme, now=later, title="Fuller", message="", metadata={"b": 2})
        assert (again.id, again.count) == (first.id, 2)
        assert (again.title, again.message, again.metadata) == ("Fuller", "", {"b": 2})
        assert (again.created_at, again.last_at) == (NOW, later)
        assert len(told(acme.workspace.id)) == 1

    def test_severity_rises_and_does_not_fall(self, acme: Customer) -> None:
        seen = [
            raised(acme, severity=severity).severity
            for severity in (Severity.INFO, Severity.CRITICAL, Severity.WARNING)
        ]
        assert seen == ["info", "critical", "critical"]

    def test_a_late_repeat_does_not_turn_the_time_back(self, acme: Customer) -> None:
        raised(acme, now=NOW)
        assert raised(acme, now=NOW - timedelta(hours=1)).last_at == NOW

    def test_each_type_and_each_tenant_has_its_own(self, acme: Customer, globex: Customer) -> None:
        made = {raised(acme).id, raised(acme, kind="other").id, raised(globex).id}
        assert len(made) == 3

    def test_the_workspace_has_one_too(self, workspace: Account, stranger: Customer) -> None:
        first, again, foreign = raised(workspace), raised(workspace), raised(stranger.workspace)
        assert (first.id, again.count) == (again.id, 2)
        assert foreign.id != first.id
        assert [data["tenantId"] for data in told(workspace.id)] == [None]

    def test_resolved_it_opens_anew(self, acme: Customer) -> None:
        first = resolve(raised(acme))
        second = raised(acme)
        assert (first.status, second.status, second.count) == ("resolved", "open", 1)
        assert first.id != second.id
        assert len(told(acme.workspace.id)) == 2

    def test_undone_with_its_cause(self, acme: Customer) -> None:
        with undone():
            raised(acme)
        assert not Alert.objects.filter(tenant_id=acme.id).exists()
        assert told(acme.workspace.id) == []

    def test_of_many_at_once_one_opens_and_all_count(self, acme: Customer) -> None:
        made = at_once(64, lambda _number: raised(acme))
        assert {type(one) for one in made} == {Alert}
        assert len({alert.id for alert in made}) == 1
        assert sorted(alert.count for alert in made) == list(range(1, 65))
        assert Alert.objects.get(tenant_id=acme.id).count == 64
        assert len(told(acme.workspace.id)) == 1

    def test_raised_and_resolved_at_once_none_is_lost_and_one_at_most_is_open(
        self, acme: Customer
    ) -> None:
        """Each raise counts on some opening, each opening is told once."""

        def act(number: int) -> Any:
            if number % 3:
                return raised(acme)
            return alerting.resolve_all(workspace_id=acme.workspace.id)

        results = at_once(90, act)
        assert not [one for one in results if isinstance(one, Exception)]
        rows = list(Alert.objects.filter(tenant_id=acme.id))
        assert sum(row.count for row in rows) == 60
        assert len(told(acme.workspace.id)) == len(rows)
        assert sum(row.status == AlertStatus.OPEN for row in rows) <= 1
        assert sum(one for one in results if isinstance(one, int)) == sum(
            row.status == AlertStatus.RESOLVED for row in rows
        )


class TestCreating:
    def test_by_hand_it_is_on_the_record(self, acme: Customer) -> None:
        alert = alerting.create(workspace_id=acme.workspace.id, tenant_id=acme.id, **SAID)
        assert alert.tenant_id == acme.id
        assert recorded(acme.workspace.id) == ["alert.raised"]

    def test_of_a_tenant_that_is_not_there(self, acme: Customer, stranger: Customer) -> None:
        for unknown in (uuid4(), stranger.id):
            with pytest.raises(TenantNotFound):
                alerting.create(workspace_id=acme.workspace.id, tenant_id=unknown, **SAID)
        assert told(acme.workspace.id) == told(stranger.workspace.id) == []


class TestResolving:
    def test_once(self, acme: Customer) -> None:
        alert = raised(acme)
        context.begin(RequestContext(actor_type="operator", actor_id="7"))
        first = resolve(alert)
        context.begin(RequestContext())
        again = resolve(alert)
        assert (first.status, first.resolved_by) == ("resolved", "operator")
        assert (again.resolved_by, again.id) == ("operator", alert.id)
        assert first.resolved_at == again.resolved_at
        assert recorded(acme.workspace.id) == ["alert.resolved"]

    def test_anothers_is_none(self, acme: Customer, globex: Customer, stranger: Customer) -> None:
        for foreign in (raised(globex), raised(stranger), raised(acme.workspace)):
            with pytest.raises(AlertNotFound):
                alerting.resolve(
                    workspace_id=acme.workspace.id, alert_id=foreign.id, tenant_id=acme.id
                )
        assert Alert.objects.filter(status=AlertStatus.OPEN, workspace_id=acme.workspace.id)

    def test_all_of_a_tenant_then_all(self, acme: Customer, globex: Customer) -> None:
        for whose in (acme, acme.workspace, globex):
            raised(whose)
        raised(acme, kind="other")
        named = {"workspace_id": acme.workspace.id}
        assert alerting.resolve_all(**named, tenant_id=acme.id) == 2
        assert alerting.resolve_all(**named, tenant_id=acme.id) == 0
        assert alerting.resolve_all(**named) == 2
        assert recorded(acme.workspace.id) == ["alert.all_resolved"] * 2

    def test_settled_by_what_raised_it(self, acme: Customer) -> None:
        alert = raised(acme)
        named = {"workspace_id": acme.workspace.id, "tenant_id": acme.id, "kind": "disk_full"}
        with transaction.atomic():
            assert [alerting.settle(**named), alerting.settle(**named)] == [True, False]
        alert.refresh_from_db()
        assert (alert.status, alert.resolved_by) == ("resolved", "system")


class TestHolding:
    def holding(self) -> registry.Holding:
        return next(one for one in registry.holdings() if one.name == "alerts")

    def test_the_tenants_own_are_exported(self, acme: Customer, globex: Customer) -> None:
        raised(globex)
        alert = raised(acme, metadata={"disk": "sda"}, now=NOW)
        export = self.holding().export
        assert export is not None
        [shown] = export(acme.id)
        assert (shown["id"], shown["metadata"]) == (str(alert.id), {"disk": "sda"})
        assert (shown["createdAt"], shown["resolvedAt"]) == ("2026-11-21T04:05:06.000Z", None)

    def test_they_are_purged(self, acme: Customer, globex: Customer) -> None:
        resolve(raised(acme))
        raised(acme)
        kept = raised(globex)
        assert [self.holding().purge(acme.id) for _ in range(2)] == [2, 0]
        assert list(Alert.objects.filter(workspace_id=acme.workspace.id)) == [kept]
