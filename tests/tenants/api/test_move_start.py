"""`isolation.migrate`: POST /api/v1/isolation/migrate (B17, A22, X62, F70)."""

import json
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.isolation.public import Move
from apps.tenants.models import Tenant
from apps.webhooks.models import OutboxEvent
from tenlyr.core import ids
from tests.cast import Answer, Api, Customer
from tests.tenants.support import assert_needs_admin_key, assert_refused, at_once

PATH = "/api/v1/isolation/migrate"
FIELDS = {
    "id",
    "tenantId",
    "fromLevel",
    "toLevel",
    "status",
    "error",
    "createdAt",
    "startedAt",
    "flippedAt",
    "finishedAt",
    "rollbackUntil",
    "rollbackOf",
    "provided",
    "progress",
}


def migrate(tenant: Customer, level: Any = "dedicated_schema", **more: Any) -> Answer:
    body = {"tenantId": str(tenant.id), "targetLevel": level}
    return Api().post(PATH, body, key=tenant.workspace.key, **more)


def moves(tenant: Customer) -> int:
    return Move.objects.filter(tenant_id=tenant.id).count()


class Test201:
    @pytest.mark.parametrize("level", ["dedicated_schema", "dedicated_database"])
    def test_a_pending_record_in_the_documents_form(self, acme: Customer, level: str) -> None:
        answer = migrate(acme, level)
        assert answer.status == 201, answer.body
        shown = answer.body
        assert set(shown) == FIELDS
        assert UUID(shown["id"]).version == 7
        assert shown["tenantId"] == str(acme.id)
        assert (shown["fromLevel"], shown["toLevel"]) == ("shared_schema", level)
        assert (shown["status"], shown["error"]) == ("pending", None)
        assert shown["createdAt"].endswith("Z")
        assert shown["progress"] == {
            "step": None,
            "rowsDone": 0,
            "rowsTotal": 0,
            "rowsPerSecond": 0.0,
            "estimatedSecondsLeft": None,
        }

    def test_from_a_schema_to_a_database(self, globex: Customer) -> None:
        answer = migrate(globex, "dedicated_database")
        assert (answer.status, answer.body["fromLevel"]) == (201, "dedicated_schema")

    def test_a_suspended_one_may_move(self, acme: Customer) -> None:
        Api().post(f"/api/v1/tenants/{acme.id}/suspend", key=acme.workspace.key)
        assert migrate(acme).status == 201

    def test_the_tenant_stays_until_it_is_moved(self, acme: Customer) -> None:
        migrate(acme)
        shown = Api().get(f"/api/v1/tenants/{acme.id}", key=acme.workspace.key)
        assert shown.body["isolationLevel"] == "shared_schema"

    def test_it_is_told_and_recorded_once(self, acme: Customer) -> None:
        shown = migrate(acme).body
        told = OutboxEvent.objects.get(tenant_id=acme.id, type="isolation.migration_started")
        assert told.data["migrationId"] == shown["id"]
        kept = [
            entry.body
            for entry in AuditEntry.objects.filter(tenant_id=acme.id)
            if entry.body["action"] == "isolation.move_started"
        ]
        assert [entry["actorType"] for entry in kept] == ["admin_key"]

    def test_a_repeat_with_the_same_key_starts_no_second(self, acme: Customer) -> None:
        key = str(uuid4())
        first, again = (migrate(acme, idempotency_key=key) for _ in range(2))
        assert (first.status, again.status) == (201, 201)
        assert json.dumps(first.body) == json.dumps(again.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert moves(acme) == 1


class Test400:
    def test_a_second_while_one_runs(self, acme: Customer) -> None:
        migrate(acme)
        assert_refused(migrate(acme), 400, "migration_in_progress")
        assert_refused(migrate(acme, "dedicated_database"), 400, "migration_in_progress")
        assert moves(acme) == 1

    def test_of_fifty_at_once_one_starts(self, acme: Customer) -> None:
        answers = at_once(50, lambda _number: migrate(acme))
        assert Counter(answer.status for answer in answers) == {201: 1, 400: 49}
        codes = {answer.body["code"] for answer in answers if answer.status == 400}
        assert (codes, moves(acme)) == ({"migration_in_progress"}, 1)

    @pytest.mark.parametrize("level", ["dedicated_schema", "shared_schema"])
    def test_the_same_level_or_a_lower_one(self, globex: Customer, level: str) -> None:
        assert_refused(migrate(globex, level), 400, "not_an_upgrade")
        assert moves(globex) == 0

    def test_shared_rows_to_shared_rows(self, acme: Customer) -> None:
        assert_refused(migrate(acme, "shared_schema"), 400, "not_an_upgrade")

    @pytest.mark.parametrize("status", ["pending", "terminated"])
    def test_one_that_is_not_there_yet_or_not_any_more(self, acme: Customer, status: str) -> None:
        Tenant.objects.filter(pk=acme.id).update(status=status)
        assert_refused(migrate(acme), 400, "tenant_not_movable")
        assert moves(acme) == 0


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("POST", PATH, acme)


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        api, key = Api(x_request_id="same"), acme.workspace.key
        answers = [
            api.post(PATH, {"tenantId": str(one), "targetLevel": "dedicated_schema"}, key=key)
            for one in (stranger.id, ids.uuid7())
        ]
        assert_refused(answers[0], 404, "not_found")
        assert answers[0].body == answers[1].body
        assert moves(stranger) == 0

    def test_one_that_is_deleted(self, acme: Customer) -> None:
        Api().delete(f"/api/v1/tenants/{acme.id}", key=acme.workspace.key)
        assert_refused(migrate(acme), 404, "not_found")


class Test422:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"targetLevel": "own_planet"}, "targetLevel"),
            ({"targetLevel": None}, "targetLevel"),
            ({"targetLevel": 2}, "targetLevel"),
            ({"tenantId": "1"}, "tenantId"),
            ({"tenantId": 1}, "tenantId"),
            ({"tenantId": None}, "tenantId"),
            ({"driver": "instance"}, "driver"),
        ],
    )
    def test_a_wrong_field(self, acme: Customer, change: dict[str, Any], field: str) -> None:
        body = {"tenantId": str(acme.id), "targetLevel": "dedicated_schema", **change}
        answer = Api().post(PATH, body, key=acme.workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert [one["field"] for one in answer.body["errors"]] == [field]

    def test_an_id_that_is_written_otherwise(self, acme: Customer) -> None:
        for raw in (str(acme.id).upper(), acme.id.hex, f"{{{acme.id}}}", f"urn:uuid:{acme.id}"):
            body = {"tenantId": raw, "targetLevel": "dedicated_schema"}
            assert_refused(Api().post(PATH, body, key=acme.workspace.key), 422, "invalid_request")

    def test_nothing(self, acme: Customer) -> None:
        answer = Api().post(PATH, {}, key=acme.workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert {one["field"] for one in answer.body["errors"]} == {"tenantId", "targetLevel"}
