"""`webhooks.create`: POST /api/v1/webhooks/endpoints (E6, E9, T33, X23, X62)."""

import json
import re
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connections, transaction

from apps.audit.models import AuditEntry
from apps.tenants import lifecycle
from apps.webhooks import endpoints
from apps.webhooks.models import Endpoint
from tenlyr.core import clock
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_refused, at_once
from tests.webhooks.api.calls import ENDPOINTS, URL, made, make, without_secret


def in_thread(key: str, **fields: Any) -> Answer:
    """The same by a thread, which leaves no connection behind."""
    try:
        return make(key, **fields)
    finally:
        connections.close_all()


def is_anybody_waiting() -> bool:
    """Whether a session waits for a lock."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


class Test201:
    def test_it_is_shown_with_its_secret_once(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key)
        shown = without_secret(body)
        assert shown == {
            "id": body["id"],
            "tenantId": None,
            "url": URL,
            "description": "",
            "events": ["*"],
            "ordered": False,
            "status": "enabled",
            "disabledReason": "",
            "failingSince": None,
            "previousSecretUntil": None,
            "createdAt": body["createdAt"],
            "updatedAt": body["updatedAt"],
        }
        for path in (f"{ENDPOINTS}/{body['id']}", ENDPOINTS):
            assert body["secret"] not in json.dumps(api.get(path, key=workspace.key).body)

    def test_the_secret_is_one_for_both_kinds_of_verifier(self, workspace: Account) -> None:
        secret = made(workspace.key)["secret"]
        assert secret.startswith("whsec_")
        assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32

    def test_the_secret_is_sealed_at_rest(self, workspace: Account) -> None:
        body = made(workspace.key)
        row = Endpoint.objects.get(pk=body["id"])
        kept = bytes(row.secret)
        assert body["secret"].encode() not in kept
        assert b64decode(body["secret"].removeprefix("whsec_")) not in kept
        assert endpoints.secrets_of(row, clock.now()) == [body["secret"]]

    def test_what_is_asked_for(self, workspace: Account) -> None:
        named = ["tenant.suspended", "health.critical", "tenant.suspended"]
        body = made(workspace.key, events=named, description="Ours", ordered=True)
        assert body["events"] == ["health.critical", "tenant.suspended"]
        assert (body["description"], body["ordered"]) == ("Ours", True)

    def test_a_tenants_key_makes_its_own(self, acme: Customer) -> None:
        assert made(acme.key)["tenantId"] == str(acme.id)

    def test_an_admin_makes_one_for_a_tenant(self, api: Api, acme: Customer) -> None:
        named = made(acme.workspace.key, tenantId=str(acme.id))
        acting = api.post(ENDPOINTS, {"url": URL}, key=acme.workspace.key, x_tenant_id=str(acme.id))
        assert {named["tenantId"], acting.body["tenantId"]} == {str(acme.id)}

    def test_a_repeat_shows_the_same_secret_for_ten_minutes(
        self, api: Api, workspace: Account
    ) -> None:
        def again(**fields: Any) -> Any:
            body = {"url": URL, **fields}
            return api.post(ENDPOINTS, body, key=workspace.key, idempotency_key="one")

        first, second = again(), again()
        assert first.body == second.body
        assert second.headers["Idempotent-Replayed"] == "true"
        assert Endpoint.objects.filter(workspace_id=workspace.id).count() == 1
        assert_refused(again(ordered=True), 409, "idempotency_key_reused")
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
            assert_refused(again(), 409, "secret_expired")

    def test_it_is_on_the_trail_without_the_secret(self, workspace: Account) -> None:
        body = made(workspace.key)
        entry = AuditEntry.objects.get(body__target=body["id"])
        assert entry.body["action"] == "webhook.endpoint_created"
        assert body["secret"] not in json.dumps(entry.body)


class Test403:
    def test_a_tenant_has_ten(self, acme: Customer) -> None:
        answers = at_once(14, lambda _: make(acme.key))
        assert sorted(one.status for one in answers) == [201] * 10 + [403] * 4
        refused = make(acme.workspace.key, tenantId=str(acme.id))
        assert_refused(refused, 403, "endpoint_limit_exceeded")
        assert refused.body["limit"] == 10
        assert make(acme.workspace.key).status == 201

    def test_a_workspace_has_fifty_of_its_own(self, workspace: Account) -> None:
        Endpoint.objects.bulk_create(
            Endpoint(workspace_id=workspace.id, url=URL, events=["*"], secret=b"")
            for _ in range(49)
        )
        assert make(workspace.key).status == 201
        refused = make(workspace.key)
        assert_refused(refused, 403, "endpoint_limit_exceeded")
        assert refused.body["limit"] == 50
        assert make(cast.tenant(workspace).key).status == 201


class Test404:
    def test_a_tenant_of_another_workspace_is_unknown(
        self, workspace: Account, stranger: Customer
    ) -> None:
        for named in (stranger.id, uuid4()):
            assert_refused(make(workspace.key, tenantId=str(named)), 404, "not_found")

    def test_a_tenant_that_is_deleted_at_the_same_moment(self, acme: Customer) -> None:
        """Either it is purged with its tenant, or it is not made: none is left behind."""
        with ThreadPoolExecutor(1) as threads:
            with transaction.atomic():
                lifecycle.delete(workspace_id=acme.workspace.id, tenant_id=acme.id)
                late = threads.submit(in_thread, acme.workspace.key, tenantId=str(acme.id))
                for _ in range(100):  # until it waits for the tenant's row
                    if late.done() or is_anybody_waiting():
                        break
                    time.sleep(0.01)
            assert_refused(late.result(30), 404, "not_found")
        assert not Endpoint.objects.filter(tenant_id=acme.id).exists()


class Test422:
    @pytest.mark.parametrize(
        "url",
        [
            "ftp://example.com/",
            "http://example.com/",
            "https://example.com:22/",
            "https://user@example.com/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:127.0.0.1]:443/",
            "https://0x7f000001/",
            "https://127.1/",
            "https://metadata.google.internal\\@127.0.0.1/",
            "/hooks",
            "hooks",
        ],
    )
    def test_a_url_where_nothing_may_go(self, workspace: Account, url: str) -> None:
        for answer in (
            make(workspace.key, url=url),
            Api().post(ENDPOINTS, {"url": url}, key=workspace.key, idempotency_key="a"),
        ):
            assert_refused(answer, 422, "url_not_allowed")
            [error] = answer.body["errors"]
            assert (error["field"], error["code"]) == ("url", "url_not_allowed")
            assert error["message"] == answer.body["message"]
        entries = AuditEntry.objects.filter(workspace_id=workspace.id)
        tried = entries.filter(body__action="webhook.url_rejected")
        assert [entry.body["result"] for entry in tried] == ["refused", "refused"]
        assert not Endpoint.objects.filter(workspace_id=workspace.id).exists()

    def test_loopback_where_it_is_not_allowed(self, workspace: Account, settings: Any) -> None:
        settings.EGRESS_ALLOW_LOOPBACK = False
        for url in (URL, "https://localhost/", "https://127.0.0.1/", "https://[::1]/"):
            assert_refused(make(workspace.key, url=url), 422, "url_not_allowed")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("url", 7),
            ("url", None),
            ("url", ""),
            ("url", f"http://127.0.0.1/{'x' * 2048}"),
            ("description", "x" * 201),
            ("description", "\u202e"),
            ("events", []),
            ("events", "*"),
            ("events", None),
            ("events", ["*", "tenant.suspended"]),
            ("events", ["tenant.sold"]),
            ("events", ["webhook.test"]),
            ("events", [7]),
            ("ordered", "true"),
            ("ordered", 1),
            ("ordered", None),
            ("tenantId", "acme"),
            ("tenantId", None),
        ],
    )
    def test_what_is_wrong_is_named(self, workspace: Account, field: str, value: Any) -> None:
        answer = make(workspace.key, **{field: value})
        assert_refused(answer, 422, "invalid_request")
        assert re.split(r"[.\[]", answer.body["errors"][0]["field"])[0] == field

    def test_a_url_is_needed(self, api: Api, workspace: Account) -> None:
        answer = api.post(ENDPOINTS, {}, key=workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == "url"
