"""The first tables of a workspace whose tenant has had a database of its own for long."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from apps.dataplane import blocking, connecting
from apps.dataplane.rollout import planning, running
from apps.tenants import lifecycle
from tests.cast import Account, Customer
from tests.dataplane import plane
from tests.dataplane.plane import Session


@pytest.fixture
def tenant(workspace: Account) -> Customer:
    """Released to, and not rolled out to."""
    made = plane.resident(workspace)
    plane.release(workspace)
    return made


def roll_out(workspace: Account) -> None:
    rollout = planning.start(workspace_id=workspace.id, version=1)
    assert running.run(rollout.id).status == "done"


def apply(workspace: Account) -> None:
    call_command("dataplane", "apply", "--workspace", str(workspace.id))


def session(tenant: Customer) -> Session:
    """A credential of the tenant's, where its tables are."""
    found = connecting.of(tenant.workspace.id, tenant.id)
    assert found.version == 1
    return Session(tenant, f"postgresql://{found.host}:{found.port}/{found.database}")


@pytest.mark.parametrize("bring", [roll_out, apply])
def test_the_tenant_finds_them_once_they_are_there(
    workspace: Account, tenant: Customer, bring: Any
) -> None:
    bring(workspace)
    made = session(tenant)
    made.run("INSERT INTO notes (text) VALUES ('mine')")
    assert made.run("SELECT tenant_id, text FROM notes") == [(tenant.id, "mine")]


def test_one_that_is_suspended_does_not_until_it_is_active(
    workspace: Account, tenant: Customer
) -> None:
    lifecycle.suspend(workspace_id=workspace.id, tenant_id=tenant.id)
    roll_out(workspace)
    lifecycle.reactivate(workspace_id=workspace.id, tenant_id=tenant.id)
    with pytest.raises(OperationalError, match="does not live here"):
        session(tenant)
    assert blocking.tell(tenant.id)
    assert session(tenant).run("SELECT * FROM notes") == []
