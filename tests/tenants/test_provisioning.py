"""Provisioning: all of it or nothing, also when everybody comes at once (A1, B3, X13, X39, T31)."""

from collections import Counter
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.isolation.public import Level, level_of, scope
from apps.tenants import provisioning
from apps.tenants.errors import EmailTaken, WorkspaceLimitExceeded
from apps.tenants.models import Tenant, TenantKey
from apps.tenants.plans import TenantPlan
from apps.webhooks.models import OutboxEvent
from tenlyr.core import events
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import Minted, mint
from tests import cast
from tests.cast import Account
from tests.tenants.support import at_once, code_of


def provision(workspace: Account, **fields: Any) -> Tenant:
    given = {
        "name": "Acme Corp",
        "owner_email": cast.email(),
        "minted": mint(Kind.TENANT),
        **fields,
    }
    return provisioning.provision(workspace_id=workspace.id, **given)


@pytest.mark.parametrize("level", [Level.SHARED_SCHEMA, Level.DEDICATED_SCHEMA])
def test_a_new_tenant_works_at_once(workspace: Account, level: Level) -> None:
    minted = mint(Kind.TENANT)
    tenant = provision(workspace, minted=minted, plan=TenantPlan.SCALE, level=level)
    stored = Tenant.objects.get(pk=tenant.id)
    assert (stored.status, stored.plan, stored.region) == ("active", "scale", "us-east-1")
    assert (stored.workspace_id, stored.limit_rpm, stored.last_active_at) == (
        workspace.id,
        None,
        None,
    )
    assert level_of([tenant.id]) == {tenant.id: level}
    assert tenant.isolation_level == level
    assert code_of(minted.raw) == "ok"
    with scope(tenant.id) as here:
        assert here.tenant_id == tenant.id


def test_it_is_told_and_recorded(workspace: Account) -> None:
    tenant = provision(workspace)
    event = OutboxEvent.objects.get(tenant_id=tenant.id)
    assert event.type == "tenant.provisioned"
    assert event.data == {
        "tenantId": str(tenant.id),
        "name": "Acme Corp",
        "plan": "starter",
        "region": "us-east-1",
    }
    entry = AuditEntry.objects.get(tenant_id=tenant.id)
    assert entry.body["action"] == "tenant.provisioned"
    assert entry.workspace_id == workspace.id


def test_a_subscribers_failure_undoes_all_of_it(
    workspace: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_event: events.Event) -> None:
        raise RuntimeError("a subscriber fails")

    minted = mint(Kind.TENANT)
    monkeypatch.setattr(events, "_subscribers", [*events._subscribers, fail])
    with pytest.raises(RuntimeError, match="a subscriber fails"):
        provision(workspace, minted=minted, level=Level.DEDICATED_SCHEMA)
    assert not Tenant.objects.filter(workspace_id=workspace.id).exists()
    assert not TenantKey.objects.filter(digest=minted.digest).exists()
    assert not OutboxEvent.objects.filter(workspace_id=workspace.id).exists()
    assert code_of(minted.raw) == "invalid_key"


class TestEmail:
    """One tenant per address and workspace (X39, B02)."""

    def test_an_address_in_another_case_is_taken(self, workspace: Account) -> None:
        tenant = provision(workspace, owner_email="Ada@Example.com")
        with pytest.raises(EmailTaken) as taken:
            provision(workspace, owner_email="aDA@eXAMPLE.COM")
        assert taken.value.details == {"existing_tenant_id": tenant.id}
        assert Tenant.objects.get(pk=tenant.id).owner_email == "Ada@Example.com"

    def test_another_workspace_may_have_it_too(self, workspace: Account) -> None:
        provision(workspace, owner_email="ada@example.com")
        provision(cast.workspace(), owner_email="ada@example.com")

    def test_of_many_at_once_one_gets_it(self, workspace: Account) -> None:
        minted = [mint(Kind.TENANT) for _ in range(12)]

        def call(number: int) -> Tenant:
            address = "race@example.com" if number % 2 else "RACE@example.com"
            return provision(workspace, owner_email=address, minted=minted[number])

        results = at_once(12, call)
        made = [result for result in results if isinstance(result, Tenant)]
        taken = [result for result in results if isinstance(result, EmailTaken)]
        assert (len(made), len(taken)) == (1, 11), results
        assert all(error.details["existing_tenant_id"] == made[0].id for error in taken)
        assert Tenant.objects.filter(workspace_id=workspace.id).count() == 1


class TestWorkspaceLimit:
    """How many tenants the workspace's own plan allows (X13, T31)."""

    def test_the_sixth_of_a_starter_is_refused(self, starter_workspace: Account) -> None:
        for _ in range(5):
            provision(starter_workspace)
        with pytest.raises(WorkspaceLimitExceeded) as refused:
            provision(starter_workspace)
        assert refused.value.details == {"limit": 5}

    def test_of_fifty_at_once_five_are_made(self, starter_workspace: Account) -> None:
        minted: list[Minted] = [mint(Kind.TENANT) for _ in range(50)]
        results = at_once(50, lambda number: provision(starter_workspace, minted=minted[number]))
        kinds = Counter(type(result).__name__ for result in results)
        assert kinds == {"Tenant": 5, "WorkspaceLimitExceeded": 45}, results
        assert Tenant.objects.filter(workspace_id=starter_workspace.id).count() == 5

    def test_a_terminated_tenant_counts_until_it_is_deleted(
        self, starter_workspace: Account
    ) -> None:
        from apps.tenants import lifecycle

        tenants = [provision(starter_workspace) for _ in range(5)]
        who = {"workspace_id": starter_workspace.id, "tenant_id": tenants[0].id}
        lifecycle.terminate(**who)
        with pytest.raises(WorkspaceLimitExceeded):
            provision(starter_workspace)
        lifecycle.delete(**who)
        provision(starter_workspace)

    def test_an_unlimited_workspace_makes_many_at_once(self, workspace: Account) -> None:
        minted = [mint(Kind.TENANT) for _ in range(20)]
        results = at_once(20, lambda number: provision(workspace, minted=minted[number]))
        assert all(isinstance(result, Tenant) for result in results), results
        trail = AuditEntry.objects.filter(workspace_id=workspace.id)
        assert trail.filter(body__action="tenant.provisioned").count() == 20
