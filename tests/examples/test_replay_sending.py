"""Events of lines, and what the server's answers to them mean."""

import uuid
from typing import Any

import pytest
from access_log_replay.loglines import LogLine
from access_log_replay.provisioning import Tenant
from access_log_replay.sending import (
    ACCEPTED,
    REFUSED,
    Delivery,
    Event,
    Kind,
    event_of,
    send_batch,
    send_single,
)
from access_log_replay.timeline import Timeline
from access_log_replay.transport import Api, Limits

from tests.examples.scripted_server import Script, ScriptedServer

TENANT = Tenant("203.0.0.0/8", str(uuid.UUID(int=1)), "growth", "tenant-key", was_there=False)
STILL = Timeline(first_ms=0, last_ms=0, start_ms=0, end_ms=0)
EVENTS: list[Event] = [{"id": name} for name in "abcd"]
LIMIT = {"status": 400, "code": "plan_limit_exceeded"}
BUSY = {"status": 429, "code": "throttled"}
BAD = {"status": 422, "code": "invalid"}


def line(number: int = 1, **other: Any) -> LogLine:
    fields = {"client": "203.0.113.9", "at_ms": 0, "endpoint": "/a", "status": 200, "digest": "d"}
    return LogLine(number=number, **{**fields, **other})


def event(of: LogLine, *, run_id: str = "run", tenant_id: str = TENANT.id) -> Event:
    return event_of(of, tenant_id=tenant_id, run_id=run_id, timeline=STILL)


def batch(*results: dict[str, Any], duplicates: int = 0) -> Script:
    numbered = [{"index": index, **result} for index, result in enumerate(results)]
    return Script(200, {"results": numbered, "duplicates": duplicates})


def sent(scripted: ScriptedServer, *scripts: Script, limits: Limits | None = None) -> Delivery:
    scripted.scripts = list(scripts)
    with Api(scripted.url, limits or Limits(), pause=lambda _: None) as api:
        return send_batch(api, TENANT, EVENTS)


class TestEventOf:
    def test_has_what_the_line_has(self) -> None:
        found = event(line(status=503))
        assert uuid.UUID(found.pop("id")).version == 5
        assert found == {
            "metric": "api_call",
            "value": 1,
            "endpoint": "/a",
            "statusCode": 503,
            "timestamp": "1970-01-01T00:00:00.000Z",
        }

    def test_leaves_out_an_endpoint_that_is_not_there(self) -> None:
        assert "endpoint" not in event(line(endpoint=None))

    def test_the_id_is_the_same_for_the_same_line_of_the_same_run(self) -> None:
        assert event(line())["id"] == event(line(at_ms=9))["id"]

    def test_the_id_differs_by_line_run_and_tenant(self) -> None:
        ids = {
            event(line())["id"],
            event(line(2))["id"],
            event(line(digest="e"))["id"],
            event(line(), run_id="other")["id"],
            event(line(), tenant_id=str(uuid.UUID(int=2)))["id"],
        }
        assert len(ids) == 5


class TestSendBatch:
    def test_each_event_has_its_own_outcome(self, scripted: ScriptedServer) -> None:
        found = sent(scripted, batch({"status": 201}, LIMIT, BAD, {"status": 201}, duplicates=1))
        assert found.outcomes[:2] == [ACCEPTED, REFUSED]
        assert (found.outcomes[2].kind, found.outcomes[2].reason) == (Kind.ERROR, "422 invalid")
        assert found.outcomes[3] == ACCEPTED
        assert found.duplicates == 1
        (request,) = scripted.requests
        assert (request.path, request.body) == ("/api/v1/usage/track/batch", EVENTS)
        assert request.headers["authorization"] == "Bearer tenant-key"

    def test_what_was_held_back_is_sent_again_alone(self, scripted: ScriptedServer) -> None:
        found = sent(
            scripted,
            batch(BUSY, {"status": 201}, BUSY, LIMIT),
            batch({"status": 201}, BUSY),
            batch(BAD),
        )
        assert [outcome.kind.value for outcome in found.outcomes] == [
            "accepted",
            "accepted",
            "error",
            "refused",
        ]
        assert [[one["id"] for one in request.body] for request in scripted.requests] == [
            ["a", "b", "c", "d"],
            ["a", "c"],
            ["c"],
        ]

    def test_a_throttle_without_end_is_an_error(self, scripted: ScriptedServer) -> None:
        found = sent(scripted, *[batch(*[BUSY] * 4)] * 9, limits=Limits(throttled_s=2.5))
        assert {outcome.reason for outcome in found.outcomes} == {"429 throttled"}
        assert len(scripted.requests) == 3

    def test_a_batch_that_is_refused_whole(self, scripted: ScriptedServer) -> None:
        found = sent(scripted, Script(401, {"code": "invalid_key"}))
        assert [outcome.reason for outcome in found.outcomes] == ["401 invalid_key"] * 4

    def test_an_event_without_a_result_is_an_error(self, scripted: ScriptedServer) -> None:
        found = sent(scripted, batch({"status": 201}, {"status": 201}))
        assert [outcome.kind.value for outcome in found.outcomes] == [
            "accepted",
            "accepted",
            "error",
            "error",
        ]


class TestSendSingle:
    @pytest.mark.parametrize(
        ("script", "kind"),
        [
            (Script(201, {"id": "a"}), Kind.ACCEPTED),
            (Script(400, LIMIT), Kind.REFUSED),
            (Script(400, {"code": "bad_json"}), Kind.ERROR),
            (Script(422, BAD), Kind.ERROR),
            (Script(429, headers={"Retry-After": "9999"}), Kind.ERROR),
        ],
    )
    def test_the_answer_is_the_outcome(
        self, scripted: ScriptedServer, script: Script, kind: Kind
    ) -> None:
        scripted.scripts = [script]
        with Api(scripted.url) as api:
            (outcome,) = send_single(api, TENANT, EVENTS[0]).outcomes
        assert outcome.kind is kind
        assert (scripted.requests[0].path, scripted.requests[0].body) == (
            "/api/v1/usage/track",
            EVENTS[0],
        )
