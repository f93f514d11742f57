"""Billing is on the map and says that it is not here yet (B24, C8, D10)."""

import pytest

from tests.cast import Api, Customer

BOTH = pytest.mark.parametrize("path", ["/api/v1/billing", "/api/v1/billing/portal"])


@BOTH
def test_a_tenant_is_told_that_it_is_not_here_yet(api: Api, acme: Customer, path: str) -> None:
    answer = api.get(path, key=acme.key)
    assert (answer.status, answer.body["code"]) == (501, "not_implemented")
    assert answer.body["error"] == "Not Implemented"


@BOTH
def test_only_a_tenant_has_billing(api: Api, acme: Customer, path: str) -> None:
    assert api.get(path, key=acme.workspace.key).status == 403
    acting = api.get(path, key=acme.workspace.key, x_tenant_id=str(acme.id))
    assert acting.status == 501
