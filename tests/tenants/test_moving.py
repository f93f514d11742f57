"""Who may be moved, and how high (X59, X62)."""

from typing import Any

import pytest

from apps.isolation.public import Level, Move, MoveNotFound, level_of
from apps.tenants import catalogue, lifecycle, moving
from apps.tenants.errors import LevelNotInPlan, MoveNotStoppable, TenantNotMovable
from apps.tenants.models import Tenant
from apps.tenants.plans import TenantPlan
from tenlyr.core import ids
from tests import cast
from tests.cast import Account, Api, Customer
from tests.tenants.support import assert_refused


def who(tenant: Customer) -> dict[str, Any]:
    return {"workspace_id": tenant.workspace.id, "tenant_id": tenant.id}


@pytest.fixture
def bounded(workspace: Account) -> Account:
    """A workspace whose plan `growth` allows a schema of one's own and no more."""
    catalogue.publish(
        workspace_id=workspace.id,
        plan=TenantPlan.GROWTH,
        price_cents=1,
        limits={},
        max_level=Level.DEDICATED_SCHEMA,
    )
    return workspace


class TestThePlansHighestLevel:
    def test_any_by_default(self, acme: Customer) -> None:
        assert moving.start(**who(acme), target=Level.DEDICATED_DATABASE).status == "pending"

    def test_up_to_it_and_no_higher(self, bounded: Account) -> None:
        tenant = cast.tenant(bounded, plan="growth")
        with pytest.raises(LevelNotInPlan) as refused:
            moving.start(**who(tenant), target=Level.DEDICATED_DATABASE)
        assert refused.value.details == {"plan": "growth", "max_level": "dedicated_schema"}
        assert not Move.objects.filter(tenant_id=tenant.id).exists()
        assert moving.start(**who(tenant), target=Level.DEDICATED_SCHEMA).status == "pending"

    def test_over_the_wire(self, bounded: Account) -> None:
        tenant = cast.tenant(bounded, plan="growth")
        body = {"tenantId": str(tenant.id), "targetLevel": "dedicated_database"}
        answer = Api().post("/api/v1/isolation/migrate", body, key=bounded.key)
        assert_refused(answer, 403, "isolation_level_not_in_plan")
        assert answer.body["maxLevel"] == "dedicated_schema"

    def test_at_birth(self, bounded: Account) -> None:
        catalogue.publish(
            workspace_id=bounded.id,
            plan=TenantPlan.STARTER,
            price_cents=1,
            limits={},
            max_level=Level.SHARED_SCHEMA,
        )
        body = {"name": "Hooli", "ownerEmail": cast.email(), "isolationLevel": "dedicated_schema"}
        answer = Api().post("/api/v1/tenants", body, key=bounded.key)
        assert_refused(answer, 403, "isolation_level_not_in_plan")
        assert not Tenant.objects.filter(workspace_id=bounded.id).exists()

    def test_who_is_higher_already_stays_when_the_plan_changes(self, bounded: Account) -> None:
        tenant = cast.tenant(bounded, plan="scale", isolation_level="dedicated_schema")
        lifecycle.change_plan(**who(tenant), plan=TenantPlan.GROWTH)
        assert level_of([tenant.id]) == {tenant.id: Level.DEDICATED_SCHEMA}

    def test_support_is_not_bound(self, bounded: Account) -> None:
        tenant = cast.tenant(bounded, plan="growth")
        started = moving.start(**who(tenant), target=Level.DEDICATED_DATABASE, is_support=True)
        assert started.to_level == "dedicated_database"


class TestWho:
    def test_support_may_move_down(self, globex: Customer) -> None:
        started = moving.start(**who(globex), target=Level.SHARED_SCHEMA, is_support=True)
        assert (started.from_level, started.to_level) == ("dedicated_schema", "shared_schema")

    def test_support_may_not_move_one_that_ended(self, globex: Customer) -> None:
        lifecycle.terminate(**who(globex))
        with pytest.raises(TenantNotMovable):
            moving.start(**who(globex), target=Level.SHARED_SCHEMA, is_support=True)

    def test_a_move_that_nobody_knows(self, acme: Customer) -> None:
        with pytest.raises(MoveNotFound):
            moving.get(acme.workspace.id, ids.uuid7())


class TestStop:
    def test_a_newer_move_than_the_one_meant_goes_on(
        self, acme: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one meant ended, and the next began, after somebody had looked at it."""
        meant = moving.start(**who(acme), target=Level.DEDICATED_SCHEMA)
        Move.objects.filter(pk=meant.pk).update(status="failed")
        newer = moving.start(**who(acme), target=Level.DEDICATED_SCHEMA)
        monkeypatch.setattr(moving, "get", lambda *_: meant)
        with pytest.raises(MoveNotStoppable):
            moving.stop(workspace_id=acme.workspace.id, move_id=meant.id)
        newer.refresh_from_db()
        assert "failing" not in newer.detail
        monkeypatch.setattr(moving, "get", lambda *_: newer)
        moving.stop(workspace_id=acme.workspace.id, move_id=newer.id)
        newer.refresh_from_db()
        assert newer.detail["failing"] == moving.STOPPED


class TestExport:
    def test_a_tenant_takes_its_moves_along(self, acme: Customer, globex: Customer) -> None:
        for tenant in (acme, globex):
            moving.start(**who(tenant), target=Level.DEDICATED_DATABASE)
        path = f"/api/v1/tenants/{acme.id}/export"
        exported = Api().get(path, key=acme.workspace.key).body["migrations"]
        (only,) = exported
        assert (only["tenantId"], only["fromLevel"], only["toLevel"], only["status"]) == (
            str(acme.id),
            "shared_schema",
            "dedicated_database",
            "pending",
        )
        assert only["createdAt"].endswith("Z")
        assert "progress" not in only
