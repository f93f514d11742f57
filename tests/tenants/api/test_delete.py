"""`tenants.delete`: DELETE /api/v1/tenants/:id (B11, A14, X38, X62)."""

import pytest

from apps.tenants.models import DeletionCertificate
from tests import cast
from tests.cast import Api, Customer
from tests.tenants.support import (
    assert_hides_others,
    assert_needs_admin_key,
    assert_refused,
    at_once,
    code_of,
)


def path(tenant_id: object) -> str:
    return f"/api/v1/tenants/{tenant_id}"


class Test204:
    @pytest.mark.parametrize("before", ["", "suspend", "terminate"])
    def test_from_any_state_then_404(self, acme: Customer, before: str) -> None:
        api, key = Api(), acme.workspace.key
        if before:
            assert api.post(f"{path(acme.id)}/{before}", key=key).status == 200
        answer = api.delete(path(acme.id), key=key)
        assert (answer.status, answer.body) == (204, b"")
        assert_refused(api.get(path(acme.id), key=key), 404, "not_found")
        assert_refused(api.delete(path(acme.id), key=key), 404, "not_found")
        assert api.get("/api/v1/tenants", key=key).body["data"] == []

    def test_everything_about_it_is_404(self, acme: Customer) -> None:
        api, key = Api(), acme.workspace.key
        api.delete(path(acme.id), key=key)
        for method, what, body in (
            ("POST", "suspend", None),
            ("POST", "reactivate", None),
            ("POST", "terminate", None),
            ("POST", "rotate-key", None),
            ("PATCH", "plan", {"plan": "scale"}),
            ("PUT", "plan", {"plan": "scale"}),
        ):
            answer = api.call(method, f"{path(acme.id)}/{what}", body, key=key)
            assert_refused(answer, 404, "not_found")

    def test_its_key_and_its_address_are_gone(self, acme: Customer) -> None:
        Api().delete(path(acme.id), key=acme.workspace.key)
        assert code_of(acme.key) == "invalid_key"
        cast.tenant(acme.workspace, owner_email=acme.body["ownerEmail"])

    def test_a_certificate_stands_for_it(self, globex: Customer) -> None:
        Api().delete(path(globex.id), key=globex.workspace.key)
        certificate = DeletionCertificate.objects.get(pk=globex.id)
        assert certificate.workspace_id == globex.workspace.id

    def test_of_many_at_once_one_deletes(self, acme: Customer) -> None:
        answers = at_once(8, lambda _n: Api().delete(path(acme.id), key=acme.workspace.key))
        assert sorted(answer.status for answer in answers) == [204] + [404] * 7


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("DELETE", path(acme.id), acme)
        assert Api().get(path(acme.id), key=acme.workspace.key).status == 200


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("DELETE", path, acme, stranger.id)
        assert Api().get(path(stranger.id), key=stranger.workspace.key).status == 200


class Test422:
    def test_a_body_with_fields(self, acme: Customer) -> None:
        answer = Api().call("DELETE", path(acme.id), {"confirm": True}, key=acme.workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert Api().get(path(acme.id), key=acme.workspace.key).status == 200
