"""`tenants.create`: POST /api/v1/tenants (A1, B3, X9, X13, X23, X39, T14, B02, B14)."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine

from apps.isolation import public as isolation
from apps.tenants.models import Tenant
from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock, keys
from tenlyr.core.keys import Kind
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_needs_admin_key, assert_refused, at_once, code_of

PATH = "/api/v1/tenants"


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "Acme Corp", "ownerEmail": cast.email(), **fields}


def create(workspace: Account, sent: Any = None, **more: Any) -> Answer:
    return Api().post(PATH, body() if sent is None else sent, key=workspace.key, **more)


def field_of(answer: Answer) -> tuple[str, str]:
    """The one field that a 422 names, and its code."""
    assert_refused(answer, 422, "invalid_request")
    (only,) = answer.body["errors"]
    assert only["message"]
    return only["field"], only["code"]


class Test201:
    def test_tenant_and_key(self, workspace: Account) -> None:
        sent = body()
        answer = create(workspace, sent)
        assert answer.status == 201
        assert set(answer.body) == {"tenant", "apiKey"}
        tenant, key = answer.body["tenant"], answer.body["apiKey"]
        assert list(tenant) == [
            "id",
            "name",
            "ownerEmail",
            "plan",
            "status",
            "region",
            "isolationLevel",
            "apiKeyPrefix",
            "lastActiveAt",
            "createdAt",
        ]
        assert UUID(tenant["id"]).version == 7
        assert (tenant["name"], tenant["ownerEmail"]) == (sent["name"], sent["ownerEmail"])
        assert (tenant["plan"], tenant["status"], tenant["region"]) == (
            "starter",
            "active",
            "us-east-1",
        )
        assert (tenant["isolationLevel"], tenant["lastActiveAt"]) == ("shared_schema", None)
        assert keys.kind_of(key) is Kind.TENANT
        assert tenant["apiKeyPrefix"] == key[:16]
        made_at = datetime.fromisoformat(tenant["createdAt"])
        assert abs(clock.now() - made_at) < timedelta(seconds=30)
        assert len(tenant["createdAt"]) == len("2026-03-14T10:00:00.000Z")

    def test_the_key_works_at_once(self, workspace: Account) -> None:
        assert code_of(create(workspace).body["apiKey"]) == "ok"

    def test_every_field_is_honoured(self, workspace: Account) -> None:
        sent = body(plan="scale", region="eu-west-1", isolationLevel="dedicated_schema")
        tenant = create(workspace, sent).body["tenant"]
        assert {name: tenant[name] for name in sent} == sent

    @pytest.mark.parametrize(
        "name",
        [
            "x';drop schema public",
            "{{7*7}}",
            "%s%n",
            "\\",
            "$1 ",
            "pg_catalog",
            "ab",
            "x" * 255,
            "😀" * 255,
            "=1+1",
            "<script>alert(1)</script>",
            "e\u0301 and \u00e9",
            "a\u200db",
        ],
    )
    def test_names_are_kept_verbatim(self, workspace: Account, name: str) -> None:
        name = f"{name}." if len(name) == 1 or name.endswith(" ") else name
        assert create(workspace, body(name=name)).body["tenant"]["name"] == name

    def test_an_address_is_kept_as_given(self, workspace: Account) -> None:
        address = f"Ada.{uuid4().hex}@Example.COM"
        assert create(workspace, body(ownerEmail=address)).body["tenant"]["ownerEmail"] == address

    def test_another_workspace_may_have_the_address(self, workspace: Account) -> None:
        sent = body()
        assert create(workspace, sent).status == 201
        assert create(cast.workspace(), sent).status == 201


class TestIdempotency:
    """X23: a repeat answers like the first, key included, for ten minutes."""

    def test_a_repeat_answers_alike(self, workspace: Account) -> None:
        sent, key = body(), str(uuid4())
        first = create(workspace, sent, idempotency_key=key)
        again = create(workspace, sent, idempotency_key=key)
        assert first.status == again.status == 201
        assert json.dumps(first.body) == json.dumps(again.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert Tenant.objects.filter(workspace_id=workspace.id).count() == 1

    def test_defaults_spelled_out_are_the_same_request(self, workspace: Account) -> None:
        sent, key = body(), str(uuid4())
        first = create(workspace, sent, idempotency_key=key)
        again = create(workspace, {**sent, "plan": "starter"}, idempotency_key=key)
        assert again.body == first.body

    def test_another_body_is_a_conflict(self, workspace: Account) -> None:
        key = str(uuid4())
        create(workspace, idempotency_key=key)
        assert_refused(create(workspace, idempotency_key=key), 409, "idempotency_key_reused")

    def test_another_workspaces_key_is_another_key(self, workspace: Account) -> None:
        sent, key = body(), str(uuid4())
        one = create(workspace, sent, idempotency_key=key)
        other = create(cast.workspace(), sent, idempotency_key=key)
        assert one.body["tenant"]["id"] != other.body["tenant"]["id"]

    def test_after_ten_minutes_the_secret_is_gone(self, workspace: Account) -> None:
        sent, key = body(), str(uuid4())
        create(workspace, sent, idempotency_key=key)
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
            again = create(workspace, sent, idempotency_key=key)
        assert_refused(again, 409, "secret_expired")

    def test_an_error_is_not_remembered(self, workspace: Account) -> None:
        sent, key = body(), str(uuid4())
        taken = create(workspace, sent)
        assert create(workspace, sent, idempotency_key=key).status == 409
        Api().delete(f"{PATH}/{taken.body['tenant']['id']}", key=workspace.key)
        assert create(workspace, sent, idempotency_key=key).status == 201

    def test_of_many_at_once_one_is_made(self, workspace: Account) -> None:
        sent, key = body(), str(uuid4())
        answers = at_once(10, lambda _n: create(workspace, sent, idempotency_key=key))
        made = [answer for answer in answers if answer.status == 201]
        others = [answer for answer in answers if answer.status != 201]
        assert len({answer.body["apiKey"] for answer in made}) == 1
        for answer in others:
            assert_refused(answer, 409, "idempotency_in_progress")
        assert Tenant.objects.filter(workspace_id=workspace.id).count() == 1

    @pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
    def test_a_bad_key_is_refused(self, workspace: Account, key: str) -> None:
        answer = create(workspace, idempotency_key=key)
        assert_refused(answer, 400, "invalid_idempotency_key")


class Test400:
    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b'{"name": "a", "name": "b"}',
            b'{"name": NaN}',
            b'{"name": "\xff"}',
            b'{"name": "\\ud800"}',
            b"[" * 50 + b"]" * 50,
        ],
    )
    def test_what_is_no_json(self, workspace: Account, raw: bytes) -> None:
        assert_refused(create(workspace, raw=raw), 400, "malformed_json")


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("POST", PATH, acme)

    def test_the_sixth_of_a_starter(self, starter_workspace: Account) -> None:
        for _ in range(5):
            assert create(starter_workspace).status == 201
        answer = create(starter_workspace)
        assert_refused(answer, 403, "workspace_limit_exceeded")
        assert answer.body["limit"] == 5

    def test_of_fifty_at_once_five_are_made(self, starter_workspace: Account) -> None:
        """T31, X13."""
        bodies = [body() for _ in range(50)]
        answers = at_once(50, lambda number: create(starter_workspace, bodies[number]))
        statuses = Counter(answer.status for answer in answers)
        assert statuses == {201: 5, 403: 45}, answers


class Test409:
    def test_the_address_is_taken_and_by_whom(self, acme: Customer) -> None:
        address = acme.body["ownerEmail"].upper()
        answer = create(acme.workspace, body(ownerEmail=address))
        assert_refused(answer, 409, "email_taken")
        assert answer.body["existingTenantId"] == str(acme.id)

    def test_a_terminated_tenant_keeps_its_address_until_deleted(self, acme: Customer) -> None:
        Api().post(f"{PATH}/{acme.id}/terminate", key=acme.workspace.key)
        sent = body(ownerEmail=acme.body["ownerEmail"])
        assert create(acme.workspace, sent).status == 409
        Api().delete(f"{PATH}/{acme.id}", key=acme.workspace.key)
        assert create(acme.workspace, sent).status == 201

    def test_of_many_at_once_one_gets_the_address(self, workspace: Account) -> None:
        sent = body()
        answers = at_once(10, lambda _number: create(workspace, sent))
        statuses = Counter(answer.status for answer in answers)
        assert statuses == {201: 1, 409: 9}, answers


class Test413And415:
    def test_a_body_of_more_than_a_megabyte(self, workspace: Account) -> None:
        answer = create(workspace, raw=b'{"name":"' + b"x" * 1_100_000 + b'"}')
        assert_refused(answer, 413, "body_too_large")

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
    )
    def test_what_is_not_json(self, workspace: Account, content_type: str) -> None:
        answer = create(workspace, body(), content_type=content_type)
        assert_refused(answer, 415, "unsupported_media_type")


class Test422:
    @pytest.mark.parametrize(
        ("changed", "field", "code"),
        [
            ({"name": "x"}, "name", "min_length"),
            ({"name": "x" * 256}, "name", "max_length"),
            ({"name": " lead"}, "name", "invalid"),
            ({"name": "trail\u00a0"}, "name", "invalid"),
            ({"name": 12}, "name", "not_a_string"),
            ({"name": None}, "name", "null"),
            ({"name": ["Acme"]}, "name", "not_a_string"),
            ({"name": "nul\0"}, "name", "not_plain"),
            ({"name": "\u202eevil"}, "name", "not_plain"),
            ({"name": "line\nbreak"}, "name", "not_plain"),
            ({"ownerEmail": "nobody"}, "ownerEmail", "invalid"),
            ({"ownerEmail": " a@example.com"}, "ownerEmail", "invalid"),
            ({"ownerEmail": "a@example.com\0"}, "ownerEmail", "not_plain"),
            ({"ownerEmail": None}, "ownerEmail", "null"),
            ({"ownerEmail": True}, "ownerEmail", "not_a_string"),
            ({"plan": "free"}, "plan", "invalid_choice"),
            ({"plan": "Starter"}, "plan", "invalid_choice"),
            ({"plan": 1}, "plan", "invalid_choice"),
            ({"plan": None}, "plan", "null"),
            ({"region": ""}, "region", "blank"),
            ({"region": "us east"}, "region", "invalid"),
            ({"region": "x" * 65}, "region", "max_length"),
            ({"isolationLevel": "own_planet"}, "isolationLevel", "invalid_choice"),
        ],
    )
    def test_a_wrong_field(
        self, workspace: Account, changed: dict[str, Any], field: str, code: str
    ) -> None:
        assert field_of(create(workspace, body(**changed))) == (field, code)

    def test_an_address_of_more_than_254_characters(self, workspace: Account) -> None:
        address = f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 10}.com"
        assert len(address) > 254
        assert field_of(create(workspace, body(ownerEmail=address))) == ("ownerEmail", "max_length")

    @pytest.mark.parametrize("field", ["name", "ownerEmail"])
    def test_a_missing_field(self, workspace: Account, field: str) -> None:
        sent = body()
        del sent[field]
        assert field_of(create(workspace, sent)) == (field, "required")

    @pytest.mark.parametrize(
        "field",
        [
            "id",
            "status",
            "workspaceId",
            "createdAt",
            "lastActiveAt",
            "apiKeyPrefix",
            "rateLimit",
            "limitRpm",
            "mrrCents",
            "tenantId",
            "owner_email",
            "isolation_level",
            "__proto__",
        ],
    )
    def test_fields_that_are_not_the_callers(self, workspace: Account, field: str) -> None:
        """T14, T13: mass assignment is refused, and nothing is made."""
        assert field_of(create(workspace, body(**{field: "active"}))) == (field, "unknown_field")
        assert not Tenant.objects.filter(workspace_id=workspace.id).exists()

    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            ("[]", "not_an_object"),
            ('"text"', "not_an_object"),
            ("1", "not_an_object"),
            ("null", "null"),
        ],
    )
    def test_what_is_no_object(self, workspace: Account, sent: str, code: str) -> None:
        assert field_of(create(workspace, raw=sent.encode())) == ("", code)

    def test_no_body_is_an_empty_object(self, workspace: Account) -> None:
        answer = create(workspace, raw=b"")
        assert_refused(answer, 422, "invalid_request")
        assert [one["code"] for one in answer.body["errors"]] == ["required", "required"]

    def test_every_wrong_field_is_named(self, workspace: Account) -> None:
        answer = create(workspace, {"name": "", "ownerEmail": "x", "plan": "y"})
        assert_refused(answer, 422, "invalid_request")
        assert [one["field"] for one in answer.body["errors"]] == ["name", "ownerEmail", "plan"]


class TestADatabaseAtBirth:
    def test_it_works_at_once_and_moves(self, workspace: Account) -> None:
        answer = create(workspace, body(isolationLevel="dedicated_database"))
        assert answer.status == 201
        assert set(answer.body) == {"tenant", "apiKey", "migration"}
        assert answer.body["tenant"]["isolationLevel"] == "dedicated_schema"
        assert code_of(answer.body["apiKey"]) == "ok"
        migration = answer.body["migration"]
        assert (migration["status"], migration["tenantId"]) == (
            "pending",
            answer.body["tenant"]["id"],
        )
        assert (migration["fromLevel"], migration["toLevel"]) == (
            "dedicated_schema",
            "dedicated_database",
        )

    def test_it_arrives(self, workspace: Account) -> None:
        made = create(workspace, body(isolationLevel="dedicated_database")).body
        isolation.run_move(UUID(made["migration"]["id"]))
        shown = Api().get(f"{PATH}/{made['tenant']['id']}", key=workspace.key)
        assert shown.body["isolationLevel"] == "dedicated_database"

    def test_a_repeat_answers_alike(self, workspace: Account) -> None:
        sent, key = body(isolationLevel="dedicated_database"), str(uuid4())
        first, again = (create(workspace, sent, idempotency_key=key) for _ in range(2))
        assert json.dumps(first.body) == json.dumps(again.body)
        assert Tenant.objects.filter(workspace_id=workspace.id).count() == 1

    def test_what_happened_is_told_in_its_order(self, workspace: Account) -> None:
        made = create(workspace, body(isolationLevel="dedicated_database")).body["tenant"]
        told = OutboxEvent.objects.filter(tenant_id=made["id"]).order_by("created_at", "id")
        types = [event.type for event in told]
        assert types == ["tenant.provisioned", "isolation.migration_started"]
