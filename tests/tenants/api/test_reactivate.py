"""`tenants.reactivate`: POST /api/v1/tenants/:id/reactivate (B7, A13)."""

from tests.cast import Answer, Api, Customer
from tests.tenants.support import (
    assert_hides_others,
    assert_needs_admin_key,
    assert_refused,
    code_of,
)


def path(tenant_id: object, verb: str = "reactivate") -> str:
    return f"/api/v1/tenants/{tenant_id}/{verb}"


def act(tenant: Customer, verb: str = "reactivate", body: object = None) -> Answer:
    return Api().post(path(tenant.id, verb), body, key=tenant.workspace.key)


class Test200:
    def test_it_gives_access_back(self, acme: Customer) -> None:
        act(acme, "suspend")
        answer = act(acme)
        assert (answer.status, answer.body) == (200, acme.body)
        assert code_of(acme.key) == "ok"


class Test400:
    def test_only_a_suspended_one(self, acme: Customer) -> None:
        assert_refused(act(acme), 400, "not_suspended")
        act(acme, "terminate")
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
