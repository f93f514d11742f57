"""GET usage/metrics, usage/summary and usage/events (B14, B15, B16, X30, X58)."""

from datetime import UTC, datetime

import pytest

from tests.cast import Account, Api, Customer
from tests.metering.stored import consume, track

METRICS, SUMMARY, EVENTS = (f"/api/v1/usage/{name}" for name in ("metrics", "summary", "events"))


@pytest.fixture(autouse=True)
def _open() -> None:
    """Tracking is open, and nothing waits from before."""
    consume()


class Test200:
    def test_metrics_are_totals_of_the_month(self, api: Api, acme: Customer) -> None:
        track(acme, value=4821)
        track(acme, metric="storage_gb", value=2.4, mode="set")
        track(acme, metric="seats", value=7)
        track(acme, metric="compute", value=3)
        track(acme, statusCode=503)
        assert api.get(METRICS, key=acme.key).body == {
            "tenantId": str(acme.id),
            "apiCalls": 4821,
            "storageGb": 2.4,
            "seats": 7,
            "compute": 3,
            "period": f"{datetime.now(UTC):%Y-%m}",
        }

    def test_the_summary_sets_use_against_limits(self, api: Api, acme: Customer) -> None:
        track(acme, value=25_000)
        track(acme, metric="storage_gb", value=5)
        consume()
        body = api.get(SUMMARY, key=acme.key).body
        assert body["tenantId"] == str(acme.id)
        assert body["periodStart"].endswith("-01T00:00:00.000Z")
        assert set(body["metrics"]) == {"api_call", "storage_gb", "seats", "compute"}
        calls = body["metrics"]["api_call"]
        assert (calls["used"], calls["limit"], calls["remaining"]) == (25_000, 100_000, 75_000)
        assert calls["percentage"] == 25
        assert calls["projected"] >= 25_000
        storage = body["metrics"]["storage_gb"]
        assert (storage["used"], storage["limit"], storage["projected"]) == (5, 10, 5)
        (month,) = [one for one in body["rollups"]["monthly"] if one["metric"] == "api_call"]
        assert (month["count"], month["errors"], month["value"]) == (1, 0, 25_000)
        assert set(body["rollups"]) == {"hourly", "daily", "monthly"}

    def test_events_are_newest_first(self, api: Api, acme: Customer) -> None:
        told = [track(acme, endpoint=f"/{number}") for number in range(5)]
        consume()
        body = api.get(EVENTS, key=acme.key).body
        assert {event["id"] for event in body} == {event["id"] for event in told}
        stamps = [event["timestamp"] for event in body]
        assert stamps == sorted(stamps, reverse=True)
        assert body[0].keys() >= {"id", "tenantId", "metric", "value", "endpoint", "timestamp"}

    def test_as_many_as_asked_for(self, api: Api, acme: Customer) -> None:
        for _ in range(3):
            track(acme)
        consume()
        assert len(api.get(f"{EVENTS}?limit=2", key=acme.key).body) == 2
        assert len(api.get(f"{EVENTS}?limit=100000", key=acme.key).body) == 3

    def test_a_dedicated_schema_reads_alike(self, api: Api, globex: Customer) -> None:
        told = track(globex)
        consume()
        assert [event["id"] for event in api.get(EVENTS, key=globex.key).body] == [told["id"]]

    def test_nobody_sees_anothers(self, api: Api, acme: Customer, stranger: Customer) -> None:
        track(acme)
        consume()
        assert api.get(EVENTS, key=stranger.key).body == []
        assert api.get(METRICS, key=stranger.key).body["apiCalls"] == 0

    def test_an_admin_may_look_as_the_tenant(
        self, api: Api, workspace: Account, acme: Customer
    ) -> None:
        track(acme, value=2)
        answer = api.get(METRICS, key=workspace.key, x_tenant_id=str(acme.id))
        assert (answer.status, answer.body["apiCalls"]) == (200, 2)


@pytest.mark.parametrize("path", [METRICS, SUMMARY, EVENTS])
class Test401:
    def test_without_a_key(self, api: Api, path: str) -> None:
        assert api.get(path).status == 401


@pytest.mark.parametrize("path", [METRICS, SUMMARY, EVENTS])
class Test403:
    def test_an_admin_for_no_tenant(self, api: Api, path: str, workspace: Account) -> None:
        answer = api.get(path, key=workspace.key)
        assert (answer.status, answer.body["code"]) == (403, "insufficient_scope")

    def test_as_somebody_elses_tenant(
        self, api: Api, path: str, workspace: Account, stranger: Customer
    ) -> None:
        answer = api.get(path, key=workspace.key, x_tenant_id=str(stranger.id))
        assert (answer.status, answer.body["code"]) == (403, "cross_tenant_violation")


class Test422:
    @pytest.mark.parametrize("limit", ["0", "-1", "1.5", "x", "", "١٢"])
    def test_a_limit_that_is_no_number(self, api: Api, acme: Customer, limit: str) -> None:
        answer = api.get(f"{EVENTS}?limit={limit}", key=acme.key)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "limit")

    def test_an_unknown_parameter(self, api: Api, acme: Customer) -> None:
        answer = api.get(f"{EVENTS}?tenantId={acme.id}", key=acme.key)
        assert (answer.status, answer.body["errors"][0]["code"]) == (422, "unknown_field")
