"""`isolation.getMigration` and `isolation.migrations` (B18, B19, X4, X55)."""

from datetime import timedelta
from typing import Any

import pytest

from apps.isolation.public import Move
from tenlyr.core import clock, ids
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_refused

PATH = "/api/v1/isolation/migrations"


def move(tenant: Customer, status: str = "failed", **fields: Any) -> Move:
    """A move that once was; the engine is not asked."""
    return Move.objects.create(
        **{
            "tenant_id": tenant.id,
            "workspace_id": tenant.workspace.id,
            "from_level": "shared_schema",
            "to_level": "dedicated_schema",
            "status": status,
            **fields,
        }
    )


def one(found: Move, key: str, **headers: str) -> Answer:
    return Api().get(f"{PATH}/{found.id}", key=key, **headers)


def listed(key: str, query: str = "", **headers: str) -> list[str]:
    answer = Api().get(f"{PATH}?{query}", key=key, **headers)
    assert answer.status == 200, answer.body
    return [shown["id"] for shown in answer.body]


class TestOne200:
    def test_with_an_admin_key_and_with_the_tenants_own(self, acme: Customer) -> None:
        found = move(acme)
        answer = one(found, acme.workspace.key)
        assert (answer.status, answer.body["id"]) == (200, str(found.id))
        assert one(found, acme.key).body == answer.body
        acting = one(found, acme.workspace.key, x_tenant_id=str(acme.id))
        assert acting.body == answer.body

    def test_why_it_failed(self, acme: Customer) -> None:
        shown = one(move(acme, error="The target's disk is full."), acme.key).body
        assert (shown["status"], shown["error"]) == ("failed", "The target's disk is full.")

    def test_what_a_server_said_is_for_the_admin_only(self, acme: Customer) -> None:
        failed = move(
            acme,
            error="The database could not be provided.",
            detail={"internal": "no route to 10.1.2.3:5432."},
        )
        full = "The database could not be provided: no route to 10.1.2.3:5432."
        own, admins = acme.key, acme.workspace.key
        assert one(failed, own).body["error"] == "The database could not be provided."
        assert one(failed, admins).body["error"] == full
        for key, told in ((own, "The database could not be provided."), (admins, full)):
            (shown,) = Api().get(f"{PATH}?status=failed", key=key).body
            assert shown["error"] == told
        exported = Api().get(f"/api/v1/tenants/{acme.id}/export", key=admins).body["migrations"]
        assert "10.1.2.3" not in str(exported)

    def test_how_far_it_is(self, acme: Customer) -> None:
        running = move(
            acme, "in_progress", step="prepare", rows_total=1_000, rows_done=400, rows_per_s=120.04
        )
        assert one(running, acme.key).body["progress"] == {
            "step": "prepare",
            "rowsDone": 400,
            "rowsTotal": 1000,
            "rowsPerSecond": 120.0,
            "estimatedSecondsLeft": 5,
        }

    def test_until_when_it_can_be_taken_back(self, acme: Customer) -> None:
        now = clock.now()
        done = move(acme, "completed", finished_at=now, purge_after=now + timedelta(days=7))
        shown = one(done, acme.key).body
        assert shown["rollbackUntil"] == clock.iso(now + timedelta(days=7))
        Move.objects.filter(pk=done.pk).update(purged_at=now)
        assert one(done, acme.key).body["rollbackUntil"] is None


class TestOne404:
    def test_of_another_tenant_or_workspace(
        self, acme: Customer, globex: Customer, stranger: Customer
    ) -> None:
        own, other, foreign = move(acme), move(globex), move(stranger)
        api = Api(x_request_id="same")
        unknown = api.get(f"{PATH}/{ids.uuid7()}", key=acme.key)
        assert_refused(unknown, 404, "not_found")
        assert unknown.body["message"] == "There is no such migration."
        for found, key in ((other, acme.key), (foreign, acme.key), (foreign, acme.workspace.key)):
            assert api.get(f"{PATH}/{found.id}", key=key).body == unknown.body
        acting = {"key": acme.workspace.key, "x_tenant_id": str(acme.id)}
        assert api.get(f"{PATH}/{other.id}", **acting).body == unknown.body
        assert one(own, acme.key).status == 200


class TestList200:
    def test_an_admin_sees_all_of_its_workspace_newest_first(
        self, acme: Customer, globex: Customer, stranger: Customer
    ) -> None:
        made = [str(move(tenant).id) for tenant in (acme, globex, acme)]
        move(stranger)
        assert listed(acme.workspace.key) == made[::-1]
        assert listed(acme.workspace.key, f"tenantId={globex.id}") == [made[1]]
        assert listed(acme.workspace.key, f"tenantId={stranger.id}") == []

    def test_a_tenant_sees_its_own(self, acme: Customer, globex: Customer) -> None:
        mine = str(move(acme).id)
        move(globex)
        assert listed(acme.key) == [mine]
        assert listed(acme.workspace.key, x_tenant_id=str(acme.id)) == [mine]

    def test_by_status(self, acme: Customer) -> None:
        failed, done = str(move(acme).id), str(move(acme, "completed").id)
        assert listed(acme.key, "status=failed") == [failed]
        assert listed(acme.key, "status=completed") == [done]
        assert listed(acme.key, "status=pending") == []

    def test_none(self, acme: Customer) -> None:
        assert listed(acme.key) == []

    def test_pages_keep_the_filter(self, acme: Customer) -> None:
        made = [str(move(acme).id) for _ in range(3)]
        first = Api().get(f"{PATH}?status=failed&limit=2", key=acme.key)
        assert [shown["id"] for shown in first.body] == made[:0:-1]
        link, rel = first.headers["Link"].split("; ")
        assert (rel, "status=failed" in link) == ('rel="next"', True)
        second = Api().get(link.strip("<>"), key=acme.key)
        assert [shown["id"] for shown in second.body] == made[:1]
        assert "X-Next-Cursor" not in second.headers


class TestList400:
    def test_another_lists_cursor(self, acme: Customer, workspace: Account) -> None:
        for _ in range(2):
            move(acme)
        cursor = Api().get(f"{PATH}?limit=1", key=acme.key).headers["X-Next-Cursor"]
        for key, query in (
            (acme.workspace.key, ""),
            (acme.key, "&status=failed"),
            (cast.tenant(workspace).key, ""),
        ):
            answer = Api().get(f"{PATH}?cursor={cursor}{query}", key=key)
            assert_refused(answer, 400, "invalid_cursor")


class TestList422:
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("status=gone", "status"),
            ("tenantId=1", "tenantId"),
            ("tenantId=", "tenantId"),
            ("page=2", "page"),
        ],
    )
    def test_a_wrong_parameter(self, workspace: Account, query: str, field: str) -> None:
        answer = Api().get(f"{PATH}?{query}", key=workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert [one["field"] for one in answer.body["errors"]] == [field]

    def test_a_tenant_names_nobody_not_even_itself(self, acme: Customer) -> None:
        answer = Api().get(f"{PATH}?tenantId={acme.id}", key=acme.key)
        assert_refused(answer, 422, "invalid_request")


class Test401And405:
    @pytest.mark.parametrize("path", [PATH, f"{PATH}/{ids.uuid7()}"])
    def test_no_key_and_other_methods(self, acme: Customer, path: str) -> None:
        assert_refused(Api().get(path), 401, "invalid_key")
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = Api().call(method, path, key=acme.workspace.key)
            assert_refused(answer, 405, "method_not_allowed")
