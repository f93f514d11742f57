"""Bearer, X-API-Key and X-Tenant-ID (A3, X18, X19, T01, B15)."""

from collections.abc import Callable
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.tenants import lifecycle
from tenlyr.core import errors, keys
from tenlyr.core.api import authentication
from tenlyr.core.keys import Kind
from tests.cast import Account, Api, Customer

pytestmark = pytest.mark.usefixtures("probes")
Lines = Callable[[], list[dict[str, Any]]]
UNKNOWN = keys.generate(Kind.ADMIN)


def test_both_headers_carry_a_key(api: Api, workspace: Account) -> None:
    bearer = api.get("/api/echo", key=workspace.key)
    other = api.get("/api/echo", x_api_key=workspace.key)
    assert bearer.status == other.status == 200
    assert bearer.body["workspaceId"] == other.body["workspaceId"] == str(workspace.id)
    assert bearer.body["kind"] == "admin"


def test_the_scheme_has_no_case(api: Api, workspace: Account) -> None:
    assert api.get("/api/echo", authorization=f"bearer {workspace.key}").status == 200


BAD: dict[str, dict[str, str]] = {
    "nothing": {},
    "empty": {"authorization": ""},
    "scheme alone": {"authorization": "Bearer"},
    "scheme and a space": {"authorization": "Bearer "},
    "basic": {"authorization": "Basic dXNlcjpwYXNz"},
    "no scheme": {"authorization": UNKNOWN},
    "10 kB": {"authorization": f"Bearer {'x' * 10_240}"},
    "10 kB in the other": {"x_api_key": "x" * 10_240},
    "NUL": {"authorization": f"Bearer {UNKNOWN}\x00"},
    "CRLF": {"authorization": f"Bearer {UNKNOWN}\r\nX: y"},
    "latin-1": {"authorization": "Bearer tenlyr_live_é"},
    "spoilt checksum": {
        "authorization": f"Bearer {UNKNOWN[:-1]}{'0' if UNKNOWN[-1] != '0' else '1'}"
    },
    "unknown": {"authorization": f"Bearer {UNKNOWN}"},
    "unknown in the other": {"x_api_key": keys.generate(Kind.TENANT)},
    "two": {"authorization": f"Bearer {UNKNOWN}, Bearer {UNKNOWN}"},
}


@pytest.mark.parametrize("headers", BAD.values(), ids=BAD)
def test_401_and_always_the_same(elsewhere: Api, headers: dict[str, str]) -> None:
    answer = elsewhere.get("/api/echo", **headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.body["code"] == "invalid_key"
    assert answer.body["message"] == "The API key is missing or not valid."


def test_a_bad_authorization_is_not_saved_by_the_other_header(api: Api, workspace: Account) -> None:
    answer = api.get("/api/echo", authorization="Basic x", x_api_key=workspace.key)
    assert answer.status == 401


def test_a_key_in_the_query_is_no_key(api: Api, workspace: Account) -> None:
    assert api.get(f"/api/echo?api_key={workspace.key}").status == 401


def test_the_audit_trail_and_the_logs_know_the_caller(api: Api, acme: Customer) -> None:
    assert api.get("/api/echo", key=acme.key).body["actor"].startswith("tenant_key ")
    assert api.get("/api/echo", key=acme.workspace.key).body["actor"].startswith("admin_key ")


def last_entry(workspace: Account) -> dict[str, Any]:
    """The newest entry of a workspace's trail."""
    entry = AuditEntry.objects.filter(workspace_id=workspace.id).latest("seq")
    return {"tenant": entry.tenant_id, **entry.body}


class TestTenantHeader:
    def test_a_tenant_may_name_itself(self, api: Api, acme: Customer) -> None:
        answer = api.get("/api/echo", key=acme.key, x_tenant_id=str(acme.id))
        assert answer.body["tenantId"] == str(acme.id)
        assert answer.body["actingAs"] is False

    def test_an_admin_acts_as_its_tenant_and_the_trail_says_so(
        self, api: Api, acme: Customer
    ) -> None:
        answer = api.get("/api/echo", key=acme.workspace.key, x_tenant_id=str(acme.id))
        assert (answer.body["tenantId"], answer.body["actingAs"]) == (str(acme.id), True)
        entry = last_entry(acme.workspace)
        assert (entry["action"], entry["tenant"]) == ("tenant.acted_as", acme.id)
        assert entry["requestId"] == answer.headers["X-Request-Id"]

    @pytest.mark.parametrize(
        "named",
        [
            lambda own, foreign: str(foreign),
            lambda own, foreign: str(uuid4()),
            lambda own, foreign: "acme",
            lambda own, foreign: f"{own}'; drop schema public",
            lambda own, foreign: f"{own},{foreign}",
        ],
        ids=["foreign", "random", "name", "sql", "two"],
    )
    def test_403_for_any_other(
        self,
        api: Api,
        acme: Customer,
        stranger: Customer,
        named: Callable[[Any, Any], str],
    ) -> None:
        header = named(acme.id, stranger.id)
        answers = [
            api.get("/api/echo", key=key, x_tenant_id=header)
            for key in (acme.key, acme.workspace.key)
        ]
        for answer in answers:
            assert (answer.status, answer.body["code"]) == (403, "cross_tenant_violation")
        bodies = [{**answer.body, "requestId": ""} for answer in answers]
        assert bodies[0] == bodies[1]
        entry = last_entry(acme.workspace)
        assert (entry["action"], entry["result"]) == ("authz.denied", "denied")
        assert entry["target"] == header[:64]

    def test_a_flood_of_them_makes_one_entry_a_minute(
        self,
        api: Api,
        acme: Customer,
        stopped: Callable[[ModuleType], list[float]],
        logged: Lines,
    ) -> None:
        now = stopped(authentication)

        def entries() -> int:
            mine = AuditEntry.objects.filter(workspace_id=acme.workspace.id)
            return mine.filter(body__action="authz.denied").count()

        for _ in range(5):
            api.get("/api/echo", key=acme.key, x_tenant_id="x")
        assert entries() == 1
        assert len([line for line in logged() if line["event"] == "authz.denied"]) == 5
        now[0] += 61
        api.get("/api/echo", key=acme.key, x_tenant_id="x")
        assert entries() == 2

    def test_a_tenant_may_not_name_its_sibling(
        self, api: Api, acme: Customer, globex: Customer
    ) -> None:
        answer = api.get("/api/echo", key=acme.key, x_tenant_id=str(globex.id))
        assert (answer.status, answer.body["code"]) == (403, "cross_tenant_violation")

    def test_whoever_names_anothers_is_told_of_in_an_alert(
        self,
        api: Api,
        acme: Customer,
        stranger: Customer,
        stopped: Callable[[ModuleType], list[float]],
    ) -> None:
        stopped(authentication)
        for key in (acme.key, acme.workspace.key):
            for _ in range(2):
                api.get("/api/echo", key=key, x_tenant_id=str(stranger.id))
        alerts = api.get("/api/v1/alerts", key=acme.workspace.key).body
        assert [(one["type"], one["tenantId"]) for one in alerts] == [
            ("cross_tenant_violation", None),
            ("cross_tenant_violation", str(acme.id)),
        ]
        assert {one["metadata"]["named"] for one in alerts} == {str(stranger.id)}

    def test_an_admin_may_look_at_a_suspended_tenant(self, api: Api, acme: Customer) -> None:
        lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        answer = api.get("/api/echo", key=acme.workspace.key, x_tenant_id=str(acme.id))
        assert (answer.status, answer.body["tenantId"]) == (200, str(acme.id))
        assert api.get("/api/echo", key=acme.key, x_tenant_id=str(acme.id)).status == 401


def test_raw_key_is_strict_about_length() -> None:
    assert authentication.raw_key("Bearer " + "x" * 256, "") == "x" * 256
    assert authentication.raw_key("", "x" * 256) == "x" * 256
    for headers in (("Bearer " + "x" * 257, ""), ("", "x" * 257), ("", "")):
        with pytest.raises(errors.AuthenticationFailed):
            authentication.raw_key(*headers)
