"""`alerts.*`: raise, list, get, resolve, resolve all (B25, C9, X29, X62)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.health.api import alerts_serializers
from apps.health.models import Alert, AlertStatus, Severity
from tests.cast import Account, Answer, Api, Customer
from tests.health.alarms import raised, told
from tests.tenants.support import assert_needs_admin_key, assert_refused, at_once

PATH = "/api/v1/alerts"
FIELDS = [
    "id",
    "tenantId",
    "type",
    "severity",
    "title",
    "message",
    "metadata",
    "count",
    "status",
    "createdAt",
    "lastAt",
    "resolvedAt",
    "resolvedBy",
]


def body(tenant: Customer, **changes: Any) -> dict[str, Any]:
    said = {"type": "disk_full", "severity": "warning", "title": "Full", "message": ""}
    return {"tenantId": str(tenant.id), **said, **changes}


def create(tenant: Customer, headers: Any = None, **changes: Any) -> Answer:
    key = tenant.workspace.key
    return Api().post(PATH, body(tenant, **changes), key=key, **(headers or {}))


def listed(key: str, query: str = "") -> list[Any]:
    answer = Api().get(f"{PATH}{query}", key=key)
    assert answer.status == 200, answer.body
    found: list[Any] = answer.body
    return found


def resolve(alert_id: object, key: str, **more: Any) -> Answer:
    return Api().post(f"{PATH}/{alert_id}/resolve", key=key, **more)


class TestCreate201:
    def test_whole(self, acme: Customer) -> None:
        metadata = {"disk": {"name": "sda", "snake_case": [1, 2.5, None, True, "ü\n"]}}
        answer = create(acme, metadata=metadata)
        assert answer.status == 201
        shown = answer.body
        assert list(shown) == FIELDS
        assert (shown["tenantId"], shown["type"]) == (str(acme.id), "disk_full")
        assert (shown["count"], shown["status"]) == (1, "open")
        assert (shown["resolvedAt"], shown["resolvedBy"]) == (None, None)
        assert shown["metadata"] == metadata
        assert UUID(shown["id"]).version == 7

    def test_a_repeat_counts_on_the_open_one(self, acme: Customer) -> None:
        first, again = create(acme), create(acme, severity="critical", title="Fuller")
        assert (first.status, again.status) == (201, 201)
        assert again.body["id"] == first.body["id"]
        assert (again.body["count"], again.body["severity"]) == (2, "critical")
        assert again.body["title"] == "Fuller"

    def test_with_the_same_idempotency_key_it_counts_once(self, acme: Customer) -> None:
        key = {"idempotency_key": str(uuid4())}
        first, again = (create(acme, key) for _ in range(2))
        assert first.body == again.body
        assert listed(acme.key)[0]["count"] == 1

    def test_who_raised_it_is_on_the_record(self, acme: Customer) -> None:
        made = create(acme).body["id"]
        entry = AuditEntry.objects.get(tenant_id=acme.id, body__action="alert.raised")
        assert (entry.body["target"], entry.body["actorType"]) == (made, "admin_key")

    def test_many_at_once_open_one(self, acme: Customer) -> None:
        answers = at_once(32, lambda _number: create(acme))
        assert {answer.status for answer in answers} == {201}
        assert [one["count"] for one in listed(acme.key)] == [32]
        assert len(told(acme.workspace.id)) == 1


class TestCreateRefused:
    def test_a_tenant_that_is_not_ones_own(self, acme: Customer, stranger: Customer) -> None:
        for unknown in (str(stranger.id), str(uuid4())):
            assert_refused(create(acme, tenantId=unknown), 404, "not_found")
        assert listed(stranger.key) == []

    def test_by_a_tenants_key(self, acme: Customer) -> None:
        assert_needs_admin_key("POST", PATH, acme)

    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "Disk full"},
            {"type": ""},
            {"type": "x" * 65},
            {"severity": "fatal"},
            {"severity": 3},
            {"title": ""},
            {"title": " full"},
            {"title": "x" * 201},
            {"title": "a\u202eb"},
            {"message": None},
            {"message": "x" * 2_001},
            {"metadata": []},
            {"metadata": {"a": "\u0000"}},
            {"metadata": {"\u0000": 1}},
            {"metadata": {"a": 10**20}},
            {"metadata": {"a": "x" * 9_000}},
            {"tenantId": "1"},
            {"count": 5},
        ],
        ids=str,
    )
    def test_a_field_that_is_wrong(self, acme: Customer, changes: dict[str, Any]) -> None:
        answer = create(acme, **changes)
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"].split(".")[0] == next(iter(changes))

    @pytest.mark.parametrize("missing", ["tenantId", "type", "severity", "title", "message"])
    def test_a_field_that_is_missing(self, acme: Customer, missing: str) -> None:
        sent = body(acme)
        del sent[missing]
        answer = Api().post(PATH, sent, key=acme.workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == missing


class TestList:
    def test_newest_first_page_by_page_as_arrays(self, acme: Customer) -> None:
        ids = [str(raised(acme, kind=f"kind_{n}").id) for n in range(5)]
        seen: list[str] = []
        query = "?limit=2"
        while query:
            answer = Api().get(f"{PATH}{query}", key=acme.workspace.key)
            assert all(list(one) == FIELDS for one in answer.body)
            seen += [one["id"] for one in answer.body]
            following = answer.headers.get("X-Next-Cursor")
            query = f"?limit=2&cursor={following}" if following else ""
            if following:
                assert f"cursor={following[:8]}" in answer.headers["Link"]
        assert seen == ids[::-1]

    def test_a_tenants_key_sees_its_own(
        self, acme: Customer, globex: Customer, stranger: Customer
    ) -> None:
        for whose in (acme, globex, stranger, acme.workspace):
            raised(whose)
        assert [one["tenantId"] for one in listed(acme.key)] == [str(acme.id)]
        assert len(listed(acme.workspace.key)) == 3
        acting = Api().get(PATH, key=acme.workspace.key, x_tenant_id=str(globex.id))
        assert [one["tenantId"] for one in acting.body] == [str(globex.id)]

    @pytest.mark.parametrize("kind", ["noisy_neighbour", "cross_tenant_violation"])
    def test_a_tenants_key_sees_none_that_is_for_operators(self, acme: Customer, kind: str) -> None:
        """Not in lists, not by its id, and it resolves none."""
        theirs, own = raised(acme, kind=kind), raised(acme)
        for query in ("", "/unresolved"):
            assert [one["id"] for one in listed(acme.key, query)] == [str(own.id)]
        assert listed(acme.key, f"?type={kind}") == []
        assert_refused(Api().get(f"{PATH}/{theirs.id}", key=acme.key), 404, "not_found")
        assert_refused(resolve(theirs.id, acme.key), 404, "not_found")
        assert Api().post(f"{PATH}/resolve-all", key=acme.key).body == {"resolved": 1}
        [still] = listed(acme.workspace.key, f"/unresolved?tenantId={acme.id}")
        assert (still["id"], still["type"]) == (str(theirs.id), kind)

    def test_narrowed(self, acme: Customer, globex: Customer) -> None:
        raised(acme, kind="a", severity=Severity.INFO)
        raised(acme, kind="b", severity=Severity.CRITICAL)
        resolve(raised(globex, kind="a").id, acme.workspace.key)
        key = acme.workspace.key

        def count(query: str) -> int:
            return len(listed(key, query))

        assert [count(f"?type={one}") for one in "abc"] == [2, 1, 0]
        assert [count(f"?severity={one}") for one in Severity] == [1, 1, 1]
        assert [count(f"?status={one}") for one in AlertStatus] == [2, 1]
        assert [count(f"?tenantId={one.id}") for one in (acme, globex)] == [2, 1]
        assert count(f"?tenantId={uuid4()}") == 0
        assert count("/unresolved") == 2
        assert count("/unresolved?severity=critical&type=b") == 1
        assert [one["type"] for one in listed(acme.key, "/unresolved")] == ["b", "a"]

    @pytest.mark.parametrize(
        "query", ["limit=0", "severity=bad", "status=closed", "tenantId=1", "type=" + "x" * 65]
    )
    def test_a_query_that_is_wrong(self, workspace: Account, query: str) -> None:
        answer = Api().get(f"{PATH}?{query}", key=workspace.key)
        assert_refused(answer, 422, "invalid_request")

    def test_a_cursor_of_another_list(self, acme: Customer) -> None:
        for kind in "ab":
            raised(acme, kind=kind)
        first = Api().get(f"{PATH}?limit=1", key=acme.workspace.key)
        cursor = first.headers["X-Next-Cursor"]
        for path in (f"{PATH}/unresolved?cursor={cursor}", f"{PATH}?type=a&cursor={cursor}"):
            answer = Api().get(path, key=acme.workspace.key)
            assert_refused(answer, 400, "invalid_cursor")

    def test_a_tenants_key_names_no_tenant(self, acme: Customer) -> None:
        answer = Api().get(f"{PATH}?tenantId={acme.id}", key=acme.key)
        assert_refused(answer, 422, "invalid_request")


class TestResolve:
    def test_it_is_resolved_and_stays_so(self, acme: Customer) -> None:
        alert = raised(acme)
        first, again = (resolve(alert.id, acme.workspace.key) for _ in range(2))
        assert (first.status, first.body["status"]) == (200, "resolved")
        assert first.body["resolvedBy"] == "admin_key"
        assert first.body["resolvedAt"] is not None
        assert again.body == first.body
        assert Api().get(f"{PATH}/{alert.id}", key=acme.key).body == first.body

    def test_by_the_tenant_itself(self, acme: Customer) -> None:
        answer = resolve(raised(acme).id, acme.key)
        assert (answer.status, answer.body["resolvedBy"]) == (200, "tenant_key")

    def test_anothers_looks_like_none(
        self, acme: Customer, globex: Customer, stranger: Customer
    ) -> None:
        api = Api(x_request_id="same")
        foreign = [raised(whose).id for whose in (globex, acme.workspace, stranger)]
        for method, path in (("GET", "{}"), ("POST", "{}/resolve")):
            answers = [
                api.call(method, f"{PATH}/{path.format(one)}", key=acme.key)
                for one in (*foreign, uuid4())
            ]
            assert_refused(answers[0], 404, "not_found")
            assert answers[0].body["message"] == "Alert not found"
            assert all(answer.body == answers[0].body for answer in answers)
        assert_refused(resolve(foreign[2], acme.workspace.key), 404, "not_found")
        assert set(Alert.objects.filter(pk__in=foreign).values_list("status", flat=True)) == {
            "open"
        }


class TestResolveAll:
    def test_of_the_workspace_or_of_a_tenant(
        self, acme: Customer, globex: Customer, stranger: Customer
    ) -> None:
        for whose in (acme, globex, acme.workspace, stranger):
            raised(whose)
            raised(whose, kind="other")

        def run(key: str) -> Any:
            return Api().post(f"{PATH}/resolve-all", key=key).body

        assert [run(acme.key) for _ in range(2)] == [{"resolved": 2}, {"resolved": 0}]
        assert [run(acme.workspace.key) for _ in range(2)] == [{"resolved": 4}, {"resolved": 0}]
        assert len(listed(stranger.key, "/unresolved")) == 2

    def test_with_the_same_idempotency_key_it_answers_alike(self, acme: Customer) -> None:
        raised(acme)
        key = str(uuid4())
        answers = [
            Api().post(f"{PATH}/resolve-all", key=acme.key, idempotency_key=key) for _ in range(2)
        ]
        assert [one.body for one in answers] == [{"resolved": 1}] * 2


def test_the_choices_of_the_document_are_those_there_are() -> None:
    assert set(alerts_serializers.STATUSES) == set(AlertStatus)
    assert set(alerts_serializers.SEVERITIES) == set(Severity)
