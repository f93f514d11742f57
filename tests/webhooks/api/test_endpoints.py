"""Endpoints after they were made: list, get, update, pause, resume, rotate, delete (E9, F33)."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from apps.audit.models import AuditEntry
from apps.webhooks import endpoints
from apps.webhooks.models import Endpoint
from tenlyr.core import clock
from tests import cast
from tests.cast import Account, Api, Customer
from tests.tenants.support import assert_refused
from tests.webhooks.api.calls import ENDPOINTS, URL, made, without_secret


def actions(endpoint_id: str) -> list[str]:
    """What the trail says was done to an endpoint."""
    entries = AuditEntry.objects.filter(body__target=endpoint_id).order_by("seq")
    return [entry.body["action"].removeprefix("webhook.endpoint_") for entry in entries]


class TestList:
    def test_pages_newest_first(self, api: Api, workspace: Account) -> None:
        ids = [made(workspace.key)["id"] for _ in range(5)]
        seen, cursor = [], ""
        while True:
            page = api.get(f"{ENDPOINTS}?limit=2{cursor}", key=workspace.key).body
            seen += [one["id"] for one in page["data"]]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert seen == ids[::-1]

    def test_who_sees_which(self, api: Api, acme: Customer, stranger: Customer) -> None:
        other = cast.tenant(acme.workspace, "Other")
        ours, hers, others = (made(key) for key in (acme.workspace.key, acme.key, other.key))

        def seen(key: str, query: str = "") -> set[str]:
            return {one["id"] for one in api.get(f"{ENDPOINTS}{query}", key=key).body["data"]}

        assert seen(acme.workspace.key) == {ours["id"], hers["id"], others["id"]}
        assert seen(acme.workspace.key, f"?tenantId={acme.id}") == {hers["id"]}
        assert seen(acme.key) == {hers["id"]}
        assert seen(other.key) == {others["id"]}
        for key in (stranger.key, stranger.workspace.key):
            assert seen(key) == set()
        assert seen(stranger.workspace.key, f"?tenantId={acme.id}") == set()

    def test_a_cursor_is_good_for_its_own_list(self, api: Api, acme: Customer) -> None:
        for _ in range(2):
            made(acme.key)
        cursor = api.get(f"{ENDPOINTS}?limit=1", key=acme.key).body["nextCursor"]
        answer = api.get(f"{ENDPOINTS}?limit=1&cursor={cursor}", key=acme.workspace.key)
        assert_refused(answer, 400, "invalid_cursor")


class TestForeign:
    @pytest.mark.parametrize("act", ["", "/pause", "/resume", "/rotate-secret", "/test"])
    def test_what_is_not_ones_own_is_unknown(
        self, api: Api, acme: Customer, stranger: Customer, act: str
    ) -> None:
        """A tenant's key reaches neither another tenant's endpoint nor its operator's."""
        ours, others = made(acme.workspace.key), made(cast.tenant(acme.workspace, "Other").key)
        for key, target in (
            (acme.key, ours["id"]),
            (acme.key, others["id"]),
            (stranger.key, ours["id"]),
            (stranger.workspace.key, ours["id"]),
            (acme.workspace.key, str(uuid4())),
        ):
            path = f"{ENDPOINTS}/{target}{act}"
            calls = [api.post(path, key=key)] if act else [api.get(path, key=key)]
            if not act:
                calls += [api.delete(path, key=key)]
                calls += [api.patch(path, {"description": "x"}, key=key)]
                calls += [api.patch(path, {"url": f"{URL}/x"}, key=key)]
            for answer in calls:
                assert_refused(answer, 404, "not_found")


class TestUpdate:
    def test_what_is_given_changes(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key, description="Ours")
        changed = {
            "url": f"{URL}/new",
            "events": ["tenant.deleted"],
            "description": "Theirs",
            "ordered": True,
        }
        for name, value in changed.items():
            answer = api.patch(f"{ENDPOINTS}/{body['id']}", {name: value}, key=workspace.key)
            assert answer.status == 200, answer.body
            body |= {name: value, "updatedAt": answer.body["updatedAt"]}
            assert answer.body == without_secret(body)
        assert api.get(f"{ENDPOINTS}/{body['id']}", key=workspace.key).body == answer.body
        assert actions(body["id"]) == ["created", "changed", "changed", "changed", "changed"]

    def test_nothing_given_changes_nothing(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key)
        for same in ({}, {"url": URL, "ordered": False}):
            answer = api.patch(f"{ENDPOINTS}/{body['id']}", same, key=workspace.key)
            assert answer.body == without_secret(body)
        assert actions(body["id"]) == ["created"]

    def test_a_url_where_nothing_may_go(self, api: Api, acme: Customer) -> None:
        body = made(acme.key)
        path = f"{ENDPOINTS}/{body['id']}"
        answer = api.patch(path, {"url": "https://10.1.2.3/"}, key=acme.key)
        assert_refused(answer, 422, "url_not_allowed")
        assert answer.body["errors"][0]["field"] == "url"
        assert api.get(path, key=acme.key).body == without_secret(body)

    @pytest.mark.parametrize(
        "body", [{"secret": "x"}, {"status": "paused"}, {"tenantId": None}, {"events": []}]
    )
    def test_what_cannot_be_changed(self, api: Api, acme: Customer, body: object) -> None:
        path = f"{ENDPOINTS}/{made(acme.key)['id']}"
        assert_refused(api.patch(path, body, key=acme.key), 422, "invalid_request")


class TestPause:
    def test_and_resume(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key)
        path = f"{ENDPOINTS}/{body['id']}"
        for act, status in (("pause", "paused"), ("resume", "enabled")):
            for _ in range(2):
                answer = api.post(f"{path}/{act}", key=workspace.key)
                assert (answer.status, answer.body["status"]) == (200, status)
        assert actions(body["id"]) == ["created", "changed", "changed"]

    def test_resuming_takes_a_disabled_one_back(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key)
        Endpoint.objects.filter(pk=body["id"]).update(
            status="disabled", disabled_reason="gone", failing_since=clock.now(), warned=90
        )
        path = f"{ENDPOINTS}/{body['id']}"
        shown = api.get(path, key=workspace.key).body
        assert (shown["status"], shown["disabledReason"]) == ("disabled", "gone")
        assert shown["failingSince"] is not None
        back = api.post(f"{path}/resume", key=workspace.key).body
        assert back == {**without_secret(body), "updatedAt": back["updatedAt"]}
        assert Endpoint.objects.get(pk=body["id"]).warned == 0


class TestRotate:
    def test_both_sign_for_a_day(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key)
        answer = api.post(f"{ENDPOINTS}/{body['id']}/rotate-secret", key=workspace.key)
        assert answer.status == 200
        old, new = body["secret"], answer.body["secret"]
        assert old != new
        row = Endpoint.objects.get(pk=body["id"])
        assert answer.body["previousSecretUntil"] == clock.iso(row.previous_until)
        assert endpoints.secrets_of(row, clock.now()) == [new, old]
        later = clock.now() + timedelta(hours=24, seconds=1)
        assert endpoints.secrets_of(row, later) == [new]

    def test_a_second_time_ends_the_first(self, api: Api, workspace: Account) -> None:
        body = made(workspace.key)
        path = f"{ENDPOINTS}/{body['id']}/rotate-secret"
        second, third = (api.post(path, key=workspace.key).body["secret"] for _ in range(2))
        row = Endpoint.objects.get(pk=body["id"])
        assert endpoints.secrets_of(row, clock.now()) == [third, second]

    def test_a_repeat_shows_the_same_for_ten_minutes(self, api: Api, workspace: Account) -> None:
        path = f"{ENDPOINTS}/{made(workspace.key)['id']}/rotate-secret"
        first, again = (api.post(path, key=workspace.key, idempotency_key="once") for _ in range(2))
        assert first.body == again.body
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
            late = api.post(path, key=workspace.key, idempotency_key="once")
        assert_refused(late, 409, "secret_expired")


class TestDelete:
    def test_it_is_gone(self, api: Api, acme: Customer) -> None:
        body = made(acme.key)
        path = f"{ENDPOINTS}/{body['id']}"
        assert api.delete(path, key=acme.key).status == 204
        for answer in (api.get(path, key=acme.key), api.delete(path, key=acme.key)):
            assert_refused(answer, 404, "not_found")
        assert actions(body["id"]) == ["created", "deleted"]
