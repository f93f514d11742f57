"""`isolation.rollback`: POST /api/v1/isolation/migrations/:id/rollback."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from apps.isolation import public as isolation
from apps.isolation.public import Move
from apps.tenants.models import Tenant
from tenlyr.core import clock, ids
from tests.cast import Answer, Api, Customer
from tests.tenants.support import assert_needs_admin_key, assert_refused

PATH = "/api/v1/isolation/migrations"


def path(move_id: object) -> str:
    return f"{PATH}/{move_id}/rollback"


def migrate(tenant: Customer, level: str = "dedicated_schema") -> str:
    body = {"tenantId": str(tenant.id), "targetLevel": level}
    answer = Api().post("/api/v1/isolation/migrate", body, key=tenant.workspace.key)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


def run(move_id: str) -> str:
    return str(isolation.run_move(Move.objects.get(pk=move_id).pk).status)


def roll_back(tenant: Customer, move_id: object, **more: str) -> Answer:
    return Api().post(path(move_id), key=tenant.workspace.key, **more)


def shown(tenant: Customer, move_id: object) -> Answer:
    return Api().get(f"{PATH}/{move_id}", key=tenant.workspace.key)


def level(tenant: Customer) -> str:
    return str(isolation.level_of([tenant.id])[tenant.id])


@pytest.fixture
def moved(acme: Customer) -> str:
    """A completed move of acme, from shared rows to a schema of its own."""
    move_id = migrate(acme)
    assert run(move_id) == "completed"
    return move_id


class Test201:
    def test_the_tenant_goes_back_by_a_move_of_its_own(self, acme: Customer, moved: str) -> None:
        answer = roll_back(acme, moved)
        assert (answer.status, answer.body["status"]) == (201, "pending")
        assert (answer.body["fromLevel"], answer.body["toLevel"]) == (
            "dedicated_schema",
            "shared_schema",
        )
        assert answer.body["rollbackOf"] == moved
        assert run(answer.body["id"]) == "completed"
        assert level(acme) == "shared_schema"
        assert shown(acme, moved).body["status"] == "rolled_back"
        for move_id in (moved, answer.body["id"]):
            assert shown(acme, move_id).body["rollbackUntil"] is None

    def test_and_up_again(self, acme: Customer, moved: str) -> None:
        assert run(roll_back(acme, moved).body["id"]) == "completed"
        assert run(migrate(acme)) == "completed"
        assert level(acme) == "dedicated_schema"

    def test_a_repeat_with_the_same_key_starts_no_second(self, acme: Customer, moved: str) -> None:
        key = str(uuid4())
        first, again = (roll_back(acme, moved, idempotency_key=key) for _ in range(2))
        assert (first.status, again.status) == (201, 201)
        assert json.dumps(first.body) == json.dumps(again.body)

    def test_it_says_until_when(self, acme: Customer, moved: str) -> None:
        until = shown(acme, moved).body["rollbackUntil"]
        move = Move.objects.get(pk=moved)
        assert move.finished_at is not None
        assert until == clock.iso(move.finished_at + timedelta(days=7))


class Test400:
    def test_one_that_is_not_completed(self, acme: Customer) -> None:
        assert_refused(roll_back(acme, migrate(acme)), 400, "not_undoable")

    def test_one_whose_old_place_is_purged(self, acme: Customer, moved: str) -> None:
        Move.objects.filter(pk=moved).update(purged_at=clock.now())
        assert_refused(roll_back(acme, moved), 400, "not_undoable")

    def test_twice(self, acme: Customer, moved: str) -> None:
        back = roll_back(acme, moved).body["id"]
        assert_refused(roll_back(acme, moved), 400, "migration_in_progress")
        assert run(back) == "completed"
        assert_refused(roll_back(acme, moved), 400, "not_undoable")

    def test_a_terminated_tenant(self, acme: Customer, moved: str) -> None:
        Tenant.objects.filter(pk=acme.id).update(status="terminated")
        assert_refused(roll_back(acme, moved), 400, "tenant_not_movable")


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer, moved: str) -> None:
        assert_needs_admin_key("POST", path(moved), acme)


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        foreign = migrate(stranger)
        api, key = Api(x_request_id="same"), acme.workspace.key
        answers = [api.post(path(one), key=key) for one in (foreign, ids.uuid7())]
        assert_refused(answers[0], 404, "not_found")
        assert answers[0].body == answers[1].body


class Test422:
    def test_a_body(self, acme: Customer, moved: str) -> None:
        answer = Api().post(path(moved), {"force": True}, key=acme.workspace.key)
        assert_refused(answer, 422, "invalid_request")
