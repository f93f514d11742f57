"""`tenants.get`: GET /api/v1/tenants/:id (B4, X47, T30)."""

from tests.cast import Api, Customer
from tests.tenants.support import assert_hides_others, assert_needs_admin_key, assert_refused


def path(tenant_id: object) -> str:
    return f"/api/v1/tenants/{tenant_id}"


class Test200:
    def test_as_at_its_creation(self, acme: Customer, globex: Customer) -> None:
        for tenant in (acme, globex):
            answer = Api().get(path(tenant.id), key=tenant.workspace.key)
            assert (answer.status, answer.body) == (200, tenant.body)

    def test_the_key_is_nowhere_in_it(self, acme: Customer) -> None:
        answer = Api().get(path(acme.id), key=acme.workspace.key)
        assert acme.key not in str(answer)


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("GET", path(acme.id), acme)


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("GET", path, acme, stranger.id)

    def test_the_message_is_the_documents(self, acme: Customer) -> None:
        """A8, to the letter."""
        answer = Api().get(path("00000000-0000-0000-0000-000000000000"), key=acme.workspace.key)
        expected = {"message": "Tenant not found", "error": "Not Found", "statusCode": 404}
        assert expected.items() <= answer.body.items()


class Test405:
    def test_other_methods(self, acme: Customer) -> None:
        for method in ("POST", "PUT"):
            answer = Api().call(method, path(acme.id), key=acme.workspace.key)
            assert_refused(answer, 405, "method_not_allowed")


class Test422:
    def test_an_unknown_parameter(self, acme: Customer) -> None:
        answer = Api().get(f"{path(acme.id)}?expand=all", key=acme.workspace.key)
        assert_refused(answer, 422, "invalid_request")
