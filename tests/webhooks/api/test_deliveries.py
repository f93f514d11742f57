"""Deliveries over the API: list, get, retry, replay, test (E8, X62)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.tenants import lifecycle
from apps.webhooks.models import Attempt, Delivery, Endpoint, OutboxEvent
from tenlyr.core import clock, ids
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_refused
from tests.webhooks.api.calls import DELIVERIES, ENDPOINTS, PATH, made


def delivered(endpoint: dict[str, Any], event: OutboxEvent, **fields: Any) -> Delivery:
    """A delivery of an event to an endpoint, as the engine leaves one behind."""
    return Delivery.objects.create(
        **{
            "event_id": event.id,
            "event_at": event.created_at,
            "endpoint_id": UUID(endpoint["id"]),
            "workspace_id": event.workspace_id,
            "tenant_id": event.tenant_id,
            "lane": event.tenant_id or event.workspace_id,
            "type": event.type,
            "status": "delivered",
            "finished_at": event.created_at,
            **fields,
        }
    )


def born(tenant: Customer) -> OutboxEvent:
    """The event of a tenant's birth."""
    return OutboxEvent.objects.get(tenant_id=tenant.id, type="tenant.provisioned")


def suspended(tenant: Customer) -> OutboxEvent:
    """The event of its first suspension."""
    lifecycle.suspend(workspace_id=tenant.workspace.id, tenant_id=tenant.id)
    lifecycle.reactivate(workspace_id=tenant.workspace.id, tenant_id=tenant.id)
    return OutboxEvent.objects.get(tenant_id=tenant.id, type="tenant.suspended")


class TestList:
    def test_pages_newest_first(self, api: Api, acme: Customer) -> None:
        endpoint, event = made(acme.workspace.key), born(acme)
        ids_ = [str(delivered(endpoint, event, replay=n).id) for n in range(5)]
        seen, cursor = [], ""
        while True:
            page = api.get(f"{DELIVERIES}?limit=2{cursor}", key=acme.workspace.key).body
            seen += [one["id"] for one in page["data"]]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert seen == sorted(ids_, reverse=True)  # of one millisecond, in any order

    def test_one_in_full(self, api: Api, acme: Customer) -> None:
        endpoint, event = made(acme.workspace.key), born(acme)
        row = delivered(endpoint, event, attempts=1, first_at=event.created_at, replay=7)
        [shown] = api.get(DELIVERIES, key=acme.workspace.key).body["data"]
        moment = clock.iso(event.created_at)
        assert shown == {
            "id": str(row.id),
            "endpointId": endpoint["id"],
            "eventId": event.id,
            "type": "tenant.provisioned",
            "tenantId": str(acme.id),
            "status": "delivered",
            "attemptCount": 1,
            "nextAttemptAt": None,
            "firstAttemptAt": moment,
            "finishedAt": moment,
            "isTest": False,
            "isReplay": True,
            "eventCreatedAt": moment,
            "createdAt": clock.iso(row.created_at),
        }

    def test_each_filter(self, api: Api, acme: Customer) -> None:
        other = cast.tenant(acme.workspace, "Other")
        first, second = made(acme.workspace.key), made(acme.workspace.key)
        birth, pause = born(acme), suspended(acme)
        rows = {
            "a": delivered(first, birth),
            "b": delivered(second, birth, status="failed"),
            "c": delivered(first, pause),
            "d": delivered(first, born(other)),
        }
        names = {str(row.id): name for name, row in rows.items()}
        between = clock.iso(pause.created_at - timedelta(milliseconds=1))

        def seen(query: str) -> str:
            answer = api.get(f"{DELIVERIES}?{query}", key=acme.workspace.key)
            assert answer.status == 200, answer.body
            return "".join(sorted(names[one["id"]] for one in answer.body["data"]))

        assert seen("") == "abcd"
        assert seen(f"endpointId={second['id']}") == "b"
        assert seen("status=failed") == "b"
        assert seen("type=tenant.suspended") == "c"
        assert seen(f"tenantId={other.id}") == "d"
        assert seen(f"since={between}&tenantId={acme.id}") == "c"
        assert seen(f"until={between}&tenantId={acme.id}") == "ab"
        assert seen(f"status=delivered&endpointId={first['id']}&tenantId={acme.id}") == "ac"
        assert seen(f"endpointId={uuid4()}") == ""

    @pytest.mark.parametrize(
        "query",
        [
            "endpointId=x",
            "status=sent",
            "type=tenant.sold",
            "tenantId=acme",
            "since=yesterday",
            "since=2026-11-20",
            "since=2026-11-20T00:00:00",
            "until=20261120T000000Z",
            "until=2026-13-20T00:00:00Z",
            "from=2026-11-20T00:00:00Z",
            "limit=0",
        ],
    )
    def test_a_query_that_is_none(self, api: Api, workspace: Account, query: str) -> None:
        answer = api.get(f"{DELIVERIES}?{query}", key=workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == query.partition("=")[0]

    @pytest.mark.parametrize(
        "moment", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59.999-23:59"]
    )
    def test_the_ends_of_the_calendar(self, api: Api, workspace: Account, moment: str) -> None:
        for name in ("since", "until"):
            answer = api.get(f"{DELIVERIES}?{name}={moment}", key=workspace.key)
            assert (answer.status, answer.body["data"]) == (200, [])


class TestWho:
    def test_a_tenant_sees_those_to_its_own_endpoints(
        self, api: Api, acme: Customer, stranger: Customer
    ) -> None:
        """Not what its operator hears about it."""
        event = born(acme)
        ours = delivered(made(acme.workspace.key), event)
        hers = delivered(made(acme.key), event)

        def seen(key: str) -> set[str]:
            return {one["id"] for one in api.get(DELIVERIES, key=key).body["data"]}

        assert seen(acme.workspace.key) == {str(ours.id), str(hers.id)}
        assert seen(acme.key) == {str(hers.id)}
        for key in (cast.tenant(acme.workspace).key, stranger.key, stranger.workspace.key):
            assert seen(key) == set()

    def test_what_is_not_ones_own_is_unknown(
        self, api: Api, acme: Customer, stranger: Customer
    ) -> None:
        ours = delivered(made(acme.workspace.key), born(acme))
        for key in (acme.key, stranger.key, stranger.workspace.key):
            assert_refused(api.get(f"{DELIVERIES}/{ours.id}", key=key), 404, "not_found")
            assert_refused(api.post(f"{DELIVERIES}/{ours.id}/retry", key=key), 404, "not_found")
        assert api.get(f"{DELIVERIES}/{ours.id}", key=acme.workspace.key).status == 200


class TestGet:
    def test_the_event_and_each_attempt(self, api: Api, acme: Customer) -> None:
        event = born(acme)
        row = delivered(made(acme.key), event)
        late = event.created_at + timedelta(seconds=5)
        Attempt.objects.create(
            delivery_id=row.id,
            number=1,
            at=event.created_at,
            outcome="refused",
            status=500,
            latency_ms=12.5,
            reason="The receiver answered 500.",
            headers={"webhook-id": event.id, "Tenlyr-Signature": "t=1,v1=5f3c…"},
            response="<b>no</b>",
        )
        Attempt.objects.create(delivery_id=row.id, number=2, at=late)
        shown = api.get(f"{DELIVERIES}/{row.id}", key=acme.key).body
        assert shown["event"] == {
            "id": event.id,
            "type": "tenant.provisioned",
            "createdAt": clock.iso(event.created_at),
            "data": event.data,
        }
        assert shown["attempts"] == [
            {
                "number": 1,
                "at": clock.iso(event.created_at),
                "outcome": "refused",
                "statusCode": 500,
                "latencyMs": 12.5,
                "reason": "The receiver answered 500.",
                "requestHeaders": {"webhook-id": event.id, "Tenlyr-Signature": "t=1,v1=5f3c…"},
                "response": "<b>no</b>",
            },
            {
                "number": 2,
                "at": clock.iso(late),
                "outcome": None,
                "statusCode": None,
                "latencyMs": None,
                "reason": "",
                "requestHeaders": {},
                "response": "",
            },
        ]

    def test_without_its_event(self, api: Api, acme: Customer) -> None:
        event = born(acme)
        row = delivered(made(acme.key), event)
        event.delete()
        shown = api.get(f"{DELIVERIES}/{row.id}", key=acme.key).body
        assert (shown["event"], shown["attempts"]) == (None, [])


class TestRetry:
    def test_it_is_sent_once_more(self, api: Api, acme: Customer) -> None:
        row = delivered(made(acme.key), born(acme), status="failed", attempts=14, failures=14)
        answer = api.post(f"{DELIVERIES}/{row.id}/retry", key=acme.key)
        assert (answer.status, answer.body["status"]) == (202, "pending")
        assert answer.body["eventId"] == row.event_id
        assert answer.body["nextAttemptAt"] is not None
        assert answer.body["finishedAt"] is None
        [entry] = AuditEntry.objects.filter(body__target=str(row.id))
        assert entry.body["action"] == "webhook.delivery_retried"

    def test_not_to_one_that_is_paused(self, api: Api, acme: Customer) -> None:
        endpoint = made(acme.key)
        row = delivered(endpoint, born(acme), status="failed")
        Endpoint.objects.filter(pk=endpoint["id"]).update(status="paused")
        answer = api.post(f"{DELIVERIES}/{row.id}/retry", key=acme.key)
        assert_refused(answer, 409, "endpoint_not_enabled")

    def test_not_without_its_event(self, api: Api, acme: Customer) -> None:
        event = born(acme)
        row = delivered(made(acme.key), event)
        event.delete()
        assert_refused(api.post(f"{DELIVERIES}/{row.id}/retry", key=acme.key), 409, "event_gone")


class TestReplay:
    def ask(self, key: str, endpoint_id: str, **fields: Any) -> Answer:
        now = clock.now()
        body = {
            "endpointId": endpoint_id,
            "since": clock.iso(now - timedelta(hours=1)),
            "until": clock.iso(now + timedelta(hours=1)),
            **fields,
        }
        return Api().post(f"{PATH}/replay", body, key=key)

    def test_every_event_of_the_time(self, acme: Customer) -> None:
        suspended(acme)
        ours, hers = made(acme.workspace.key), made(acme.key, events=["tenant.suspended"])
        cast.tenant(acme.workspace, "Other")
        for key, endpoint, many in ((acme.workspace.key, ours, 4), (acme.key, hers, 1)):
            answer = self.ask(key, endpoint["id"])
            assert (answer.status, answer.body) == (202, {"queued": many})
            rows = Delivery.objects.filter(endpoint_id=endpoint["id"])
            assert {(row.status, row.replay > 0) for row in rows} == {("pending", True)}
            assert rows.count() == many
        some = self.ask(acme.workspace.key, ours["id"], types=["tenant.provisioned"])
        assert some.body == {"queued": 2}

    def test_only_what_was_not_accepted(self, acme: Customer) -> None:
        endpoint, pause = made(acme.key), suspended(acme)
        delivered(endpoint, born(acme))
        delivered(endpoint, pause, status="failed")
        answer = self.ask(acme.key, endpoint["id"], onlyUndelivered=True)
        assert answer.body == {"queued": 2}  # the suspension, and its end
        assert self.ask(acme.key, endpoint["id"]).body == {"queued": 3}

    def test_once_for_a_repeat(self, api: Api, acme: Customer) -> None:
        endpoint, moment = made(acme.key), clock.now()
        body = {
            "endpointId": endpoint["id"],
            "since": clock.iso(moment - timedelta(hours=1)),
            "until": clock.iso(moment + timedelta(hours=1)),
        }
        first, again = (
            api.post(f"{PATH}/replay", body, key=acme.key, idempotency_key="once") for _ in range(2)
        )
        assert first.body == again.body == {"queued": 1}
        assert Delivery.objects.filter(endpoint_id=endpoint["id"]).count() == 1

    def test_more_than_one_call_replays(self, acme: Customer) -> None:
        endpoint, moment = made(acme.workspace.key), clock.now()
        OutboxEvent.objects.bulk_create(
            OutboxEvent(
                id=ids.event_id(),
                type="tenant.suspended",
                workspace_id=acme.workspace.id,
                tenant_id=acme.id,
                data={},
                created_at=moment,
                is_fanned_out=True,
            )
            for _ in range(10_000)
        )
        answer = self.ask(acme.workspace.key, endpoint["id"])
        assert_refused(answer, 400, "replay_too_large")
        assert answer.body["limit"] == 10_000
        assert not Delivery.objects.filter(endpoint_id=endpoint["id"]).exists()
        OutboxEvent.objects.filter(tenant_id=acme.id, data={}).delete()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("since", "yesterday"),
            ("since", 1_763_700_000),
            ("since", "2026-11-20T00:00:00"),
            ("until", "2020-11-20T00:00:00Z"),
            ("since", "2020-11-20T00:00:00Z"),
            ("types", []),
            ("types", ["*"]),
            ("onlyUndelivered", "yes"),
            ("endpointId", "x"),
        ],
    )
    def test_what_is_wrong_is_named(self, acme: Customer, field: str, value: Any) -> None:
        answer = self.ask(acme.key, **{"endpoint_id": made(acme.key)["id"], field: value})
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"].startswith(field)

    def test_to_somebody_elses(self, acme: Customer, stranger: Customer) -> None:
        ours = made(acme.workspace.key)
        for key in (acme.key, stranger.key, stranger.workspace.key):
            assert_refused(self.ask(key, ours["id"]), 404, "not_found")


class TestTest:
    def test_it_is_sent_to_this_one_alone(self, api: Api, acme: Customer) -> None:
        endpoint, other = made(acme.key), made(acme.key)
        answer = api.post(f"{ENDPOINTS}/{endpoint['id']}/test", key=acme.key)
        assert (answer.status, answer.body["type"]) == (202, "webhook.test")
        assert (answer.body["isTest"], answer.body["isReplay"]) == (True, False)
        assert answer.body["endpointId"] == endpoint["id"]
        assert not Delivery.objects.filter(endpoint_id=other["id"]).exists()
        shown = api.get(f"{DELIVERIES}/{answer.body['id']}", key=acme.key).body
        assert shown["event"]["data"]["endpointId"] == endpoint["id"]

    def test_not_to_one_that_is_paused(self, api: Api, acme: Customer) -> None:
        endpoint = made(acme.key)
        api.post(f"{ENDPOINTS}/{endpoint['id']}/pause", key=acme.key)
        answer = api.post(f"{ENDPOINTS}/{endpoint['id']}/test", key=acme.key)
        assert_refused(answer, 409, "endpoint_not_enabled")
