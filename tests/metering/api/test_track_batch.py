"""`usage.trackBatch`: POST /api/v1/usage/track/batch: each event for itself.

Rows X1, X2, X5, X23, X62.
"""

import json
from typing import Any
from uuid import uuid4, uuid5

import pytest

from tenlyr.core import scripts
from tests import cast
from tests.cast import Account, Api, Customer
from tests.core import outages
from tests.metering.api.support import BATCH, CALL, Answered, ask, assert_refused
from tests.metering.support import assert_agree, rows, store

LINES = "application/x-ndjson"


def track(tenant: Customer, sent: Any, **more: Any) -> Answered:
    return ask(BATCH, sent, tenant.key, **more)


def counts(answer: Answered) -> tuple[int, int, int, int]:
    """Accepted, refused, duplicates, invalid."""
    assert answer.status == 200, answer.content
    names = ("accepted", "refused", "duplicates", "invalid")
    assert list(answer.body) == [*names, "results"]
    results = answer.body["results"]
    assert [one["index"] for one in results] == list(range(len(results)))
    found = tuple(answer.body[name] for name in names)
    assert sum(found) == len(results)
    return found  # type: ignore[return-value]


class Test200:
    def test_results_are_in_the_order_of_the_events(self, acme: Customer) -> None:
        sent = [{**CALL, "id": str(uuid4())} for _ in range(3)]
        answer = track(acme, sent)
        assert counts(answer) == (3, 0, 0, 0)
        assert answer.body["results"] == [
            {"index": index, "status": 201, "id": one["id"]} for index, one in enumerate(sent)
        ]

    def test_one_bad_event_never_spoils_the_others(self, acme: Customer) -> None:
        sent = [
            CALL,
            {**CALL, "value": "1"},
            "nonsense",
            {**CALL, "tenantId": "x"},
            {"metric": "seats", "value": 1, "mode": "decrement"},
            {**CALL, "value": 2},
        ]
        answer = track(acme, sent)
        assert counts(answer) == (2, 1, 0, 3)
        assert [one["status"] for one in answer.body["results"]] == [201, 422, 422, 422, 400, 201]
        for refused in answer.body["results"][1:5]:
            assert refused["code"]
            assert refused["message"]
        store()
        assert sorted(int(row.value) for row in rows(acme.id)) == [1, 2]
        assert_agree(acme.id)

    def test_lines(self, acme: Customer) -> None:
        content = b'{"metric":"api_call","value":1}\r\n\n{"metric":\n{"metric":"seats","value":2}'
        answer = track(acme, content, CONTENT_TYPE=LINES)
        assert counts(answer) == (2, 0, 0, 1)
        assert answer.body["results"][1]["code"] == "malformed_json"

    @pytest.mark.parametrize("kind", [LINES, "application/ndjson", "application/jsonl"])
    def test_lines_have_several_names(self, acme: Customer, kind: str) -> None:
        answer = track(acme, json.dumps(CALL).encode(), CONTENT_TYPE=f"{kind}; charset=utf-8")
        assert counts(answer) == (1, 0, 0, 0)

    def test_nothing(self, acme: Customer) -> None:
        assert counts(track(acme, [])) == (0, 0, 0, 0)

    def test_each_counts_for_the_limit(self, workspace: Account) -> None:
        tenant = cast.tenant(workspace, plan="starter")
        assert counts(track(tenant, [CALL] * 990)) == (990, 0, 0, 0)
        answer = track(tenant, [{**CALL, "value": 6}] * 3 + [{**CALL, "value": 4}, CALL])
        assert counts(answer) == (2, 3, 0, 0)
        statuses = [one["status"] for one in answer.body["results"]]
        assert statuses == [201, 400, 400, 201, 400]
        assert answer.body["results"][1]["code"] == "plan_limit_exceeded"
        assert Api().get("/api/v1/usage/metrics", key=tenant.key).body["apiCalls"] == 1000

    def test_a_resend_is_answered_with_the_first_events(self, acme: Customer) -> None:
        sent = [{**CALL, "id": f"line {number}"} for number in range(700)]
        first, again = track(acme, sent), track(acme, sent)
        assert counts(first) == (700, 0, 0, 0)
        assert counts(again) == (0, 0, 700, 0)
        assert first.body["results"] == again.body["results"]
        store()
        assert len(rows(acme.id)) == 700
        assert_agree(acme.id)

    def test_an_idempotency_key_names_every_event(self, acme: Customer) -> None:
        sent = [CALL, {**CALL, "id": "mine"}, CALL]
        first = track(acme, sent, HTTP_IDEMPOTENCY_KEY="batch 1")
        again = track(acme, sent, HTTP_IDEMPOTENCY_KEY="batch 1")
        names = ("batch 1#0", "mine", "batch 1#2")
        assert [one["id"] for one in first.body["results"]] == [
            str(uuid5(acme.id, name)) for name in names
        ]
        assert counts(again) == (0, 0, 3, 0)

    def test_twins_in_one_batch_count_once(self, acme: Customer) -> None:
        answer = track(acme, [{**CALL, "id": "twin"}, {**CALL, "id": "twin"}])
        assert counts(answer) == (1, 0, 1, 0)
        first, second = answer.body["results"]
        assert first["id"] == second["id"]

    def test_ten_thousand(self, acme: Customer) -> None:
        answer = track(acme, [CALL] * 10_000)
        assert counts(answer) == (10_000, 0, 0, 0)
        assert len({one["id"] for one in answer.body["results"]}) == 10_000
        store()
        assert len(rows(acme.id)) == 10_000
        assert_agree(acme.id)

    def test_a_redis_that_goes_away_on_the_way_fails_the_rest_alone(self, acme: Customer) -> None:
        """What was decided is told; the rest may be sent again."""
        sent = [{**CALL, "id": f"line {number}"} for number in range(1_200)]
        answer = _cut_off_after(1, acme, sent)
        assert counts(answer) == (500, 700, 0, 0)
        assert {one["status"] for one in answer.body["results"][500:]} == {503}
        again = track(acme, sent)
        assert counts(again) == (700, 0, 500, 0)


def _cut_off_after(calls: int, tenant: Customer, sent: Any) -> Answered:
    """A batch during which Redis is lost after some of its script calls."""
    done: list[int] = []
    ask_redis = scripts.run

    async def counting(*asked: Any) -> Any:
        if len(done) == calls:
            with outages.redis_away():
                return await ask_redis(*asked)
        done.append(1)
        return await ask_redis(*asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripts, "run", counting)
        return track(tenant, sent)


class TestRefused:
    def test_503_when_nothing_could_be_decided(self, acme: Customer) -> None:
        track(acme, [CALL])
        with outages.redis_away():
            answer = track(acme, [CALL, CALL])
        assert_refused(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "1"

    @pytest.mark.parametrize("content", [b"", b"[", b"[{}", b"\xff", b"[" * 50_000])
    def test_400_for_malformed_json(self, acme: Customer, content: bytes) -> None:
        assert_refused(track(acme, content), 400, "malformed_json")

    def test_400_for_a_wrong_idempotency_key(self, acme: Customer) -> None:
        answer = track(acme, [CALL], HTTP_IDEMPOTENCY_KEY="x" * 256)
        assert_refused(answer, 400, "invalid_idempotency_key")

    def test_401_and_403(self, workspace: Account) -> None:
        assert_refused(ask(BATCH, [CALL]), 401, "invalid_key")
        assert_refused(ask(BATCH, [CALL], workspace.key), 403, "insufficient_scope")

    def test_405(self, acme: Customer) -> None:
        assert_refused(track(acme, [CALL], REQUEST_METHOD="GET"), 405, "method_not_allowed")

    def test_413_above_16_mebibytes(self, acme: Customer) -> None:
        assert_refused(track(acme, b" " * ((16 << 20) + 1)), 413, "body_too_large")
        assert counts(track(acme, b" " * (2 << 20) + b"[]")) == (0, 0, 0, 0)

    def test_415(self, acme: Customer) -> None:
        for kind in ("text/plain", "", f"{LINES};charset=latin-1"):
            answer = track(acme, [CALL], CONTENT_TYPE=kind)
            assert_refused(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize("sent", [{}, CALL, 3, None, "x"])
    def test_422_for_what_is_no_array(self, acme: Customer, sent: Any) -> None:
        assert_refused(track(acme, sent), 422, "invalid_request")

    def test_422_for_too_many(self, acme: Customer) -> None:
        assert_refused(track(acme, [CALL] * 10_001), 422, "invalid_request")
        assert Api().get("/api/v1/usage/metrics", key=acme.key).body["apiCalls"] == 0
