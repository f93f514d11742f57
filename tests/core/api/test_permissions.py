"""Who may call what, and that a view whose author forgot to say it stays closed (D2)."""

import pytest

from tests.cast import Account, Api, Customer

pytestmark = pytest.mark.usefixtures("probes")
FORBIDDEN = (403, "insufficient_scope")


@pytest.mark.parametrize("path", ["/api/admin-only", "/api/tenant-only", "/api/undeclared"])
def test_nobody_without_a_key(api: Api, path: str) -> None:
    assert api.get(path).status == 401


def test_an_admin_endpoint_is_for_admins(api: Api, acme: Customer) -> None:
    assert api.get("/api/admin-only", key=acme.workspace.key).status == 200
    refused = api.get("/api/admin-only", key=acme.key)
    assert (refused.status, refused.body["code"]) == FORBIDDEN


def test_an_admin_who_acts_as_a_tenant_is_no_admin(api: Api, acme: Customer) -> None:
    refused = api.get("/api/admin-only", key=acme.workspace.key, x_tenant_id=str(acme.id))
    assert (refused.status, refused.body["code"]) == FORBIDDEN


def test_a_tenant_endpoint_is_for_tenants_and_admins_who_act_as_one(
    api: Api, acme: Customer
) -> None:
    assert api.get("/api/tenant-only", key=acme.key).body == {"tenantId": str(acme.id)}
    acting = api.get("/api/tenant-only", key=acme.workspace.key, x_tenant_id=str(acme.id))
    assert acting.body == {"tenantId": str(acme.id)}
    refused = api.get("/api/tenant-only", key=acme.workspace.key)
    assert (refused.status, refused.body["code"]) == FORBIDDEN


def test_a_view_that_names_nobody_is_closed_to_all(
    api: Api, workspace: Account, acme: Customer
) -> None:
    for key in (workspace.key, acme.key):
        refused = api.get("/api/undeclared", key=key)
        assert (refused.status, refused.body["code"]) == FORBIDDEN
