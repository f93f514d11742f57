"""`tenants.terminate`: POST /api/v1/tenants/:id/terminate (B8, A13, X38)."""

import pytest

from tests.cast import Answer, Api, Customer
from tests.tenants.support import (
    assert_hides_others,
    assert_needs_admin_key,
    assert_refused,
    code_of,
)


def path(tenant_id: object, verb: str = "terminate") -> str:
    return f"/api/v1/tenants/{tenant_id}/{verb}"


def act(tenant: Customer, verb: str = "terminate", body: object = None) -> Answer:
    return Api().post(path(tenant.id, verb), body, key=tenant.workspace.key)


class Test200:
    @pytest.mark.parametrize("before", [None, "suspend"])
    def test_it_blocks_for_good(self, acme: Customer, before: str | None) -> None:
        if before:
            act(acme, before)
        answer = act(acme)
        assert (answer.status, answer.body) == (200, {**acme.body, "status": "terminated"})
        assert code_of(acme.key) == "tenant_terminated"

    def test_its_data_stays(self, acme: Customer) -> None:
        act(acme)
        answer = Api().get(f"/api/v1/tenants/{acme.id}", key=acme.workspace.key)
        assert answer.body == {**acme.body, "status": "terminated"}


class Test400:
    def test_twice(self, acme: Customer) -> None:
        act(acme)
        assert_refused(act(acme), 400, "already_terminated")


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("POST", path(acme.id), acme)
        assert code_of(acme.key) == "ok"


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("POST", path, acme, stranger.id, {})
        assert code_of(stranger.key) == "ok"


class Test422:
    def test_an_unknown_field(self, acme: Customer) -> None:
        answer = act(acme, body={"tenantId": str(acme.id)})
        assert_refused(answer, 422, "invalid_request")
        assert code_of(acme.key) == "ok"
