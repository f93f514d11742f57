"""When a request is repeated, and when it is not."""

import socket

import pytest
from access_log_replay.transport import Answer, Api, Limits, Patience, Stopped, Unreachable

from tests.examples.scripted_server import Script, ScriptedServer

PATH = "/api/v1/usage/track"
PATIENT = Limits(failures=4, first_wait_s=0.2, longest_wait_s=5.0, throttled_s=10.0)


class Waits(list[float]):
    """Stands for waiting: remembers how long."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def api(scripted: ScriptedServer, waits: Waits) -> Api:
    return Api(scripted.url, PATIENT, timeout_s=5, pause=waits)


class TestPost:
    def test_one_connection_serves_many_requests(self, api: Api, scripted: ScriptedServer) -> None:
        scripted.scripts = [Script(201, {"id": "1"}), Script(201, {"id": "2"})]
        with api:
            answers = [api.post(PATH, {"value": 1}, key="k") for _ in range(2)]
        assert [answer.body["id"] for answer in answers] == ["1", "2"]
        assert len({request.client_port for request in scripted.requests}) == 1
        assert scripted.requests[0].headers["authorization"] == "Bearer k"

    @pytest.mark.parametrize("fault", [Script(503), Script(500, "<html>"), Script(hangs_up=True)])
    def test_a_failure_is_repeated_unchanged(
        self, api: Api, scripted: ScriptedServer, waits: Waits, fault: Script
    ) -> None:
        scripted.scripts = [fault, fault, Script(201, {"id": "x"})]
        with api:
            answer = api.post(PATH, {"id": "x"}, key="k", request_id="intent")
        assert answer.status == 201
        assert [request.body for request in scripted.requests] == [{"id": "x"}] * 3
        assert {request.headers["idempotency-key"] for request in scripted.requests} == {"intent"}
        assert 0.1 <= waits[0] <= 0.2 <= waits[1] <= 0.4

    def test_a_server_that_keeps_failing_has_the_last_word(
        self, api: Api, scripted: ScriptedServer, waits: Waits
    ) -> None:
        scripted.scripts = [Script(503, {"code": "counters_rebuilding"})] * 9
        with api:
            assert api.post(PATH, {}, key="k").problem == "503 counters_rebuilding"
        assert len(scripted.requests) == PATIENT.failures
        assert len(waits) == PATIENT.failures - 1

    def test_a_server_that_is_not_there_is_named(self, waits: Waits) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            api = Api(f"http://127.0.0.1:{unused.getsockname()[1]}", PATIENT, pause=waits)
            with api, pytest.raises(Unreachable, match="refused"):
                api.post(PATH, {}, key="k")
        assert len(waits) == PATIENT.failures - 1

    def test_retry_after_is_honoured(
        self, api: Api, scripted: ScriptedServer, waits: Waits
    ) -> None:
        scripted.scripts = [
            Script(429, headers={"Retry-After": "7"}),
            Script(503, headers={"Retry-After": "3"}),
            Script(201),
        ]
        with api:
            assert api.post(PATH, {}, key="k").status == 201
        assert waits == [7.0, 3.0]

    def test_a_throttle_is_not_waited_for_without_end(
        self, api: Api, scripted: ScriptedServer, waits: Waits
    ) -> None:
        scripted.scripts = [Script(429, headers={"Retry-After": "4"})] * 9
        with api:
            assert api.post(PATH, {}, key="k").status == 429
        assert waits == [4.0, 4.0]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422, 501])
    def test_a_final_answer_is_not_repeated(
        self, api: Api, scripted: ScriptedServer, waits: Waits, status: int
    ) -> None:
        scripted.scripts = [Script(status, {"code": "no"})]
        with api:
            assert api.post(PATH, {}, key="k").problem == f"{status} no"
        assert waits == []

    def test_an_idempotency_key_still_at_work_is_asked_again(
        self, api: Api, scripted: ScriptedServer
    ) -> None:
        scripted.scripts = [Script(409), Script(409, {"existingTenantId": "t"})]
        with api:
            assert api.post(PATH, {}, key="k").body == {"existingTenantId": "t"}

    def test_a_run_told_to_stop_waits_no_longer(self, api: Api, scripted: ScriptedServer) -> None:
        scripted.scripts = [Script(503)]
        api.stop.set()
        with api, pytest.raises(Stopped):
            api.post(PATH, {}, key="k")
        assert len(scripted.requests) == 1

    def test_an_address_may_have_a_path(self, scripted: ScriptedServer) -> None:
        scripted.scripts = [Script(200)]
        with Api(scripted.url + "/tenlyr") as api:
            api.post(PATH, {}, key="k")
        assert scripted.requests[0].path == "/tenlyr" + PATH


class TestGet:
    def test_is_tried_once(self, api: Api, scripted: ScriptedServer) -> None:
        scripted.scripts = [Script(hangs_up=True)]
        with api, pytest.raises(Unreachable):
            api.get("/livez", key="k")
        assert len(scripted.requests) == 1


class TestPatience:
    def test_waits_grow_to_a_bound(self) -> None:
        patience = Patience(Limits(failures=12, first_wait_s=1.0, longest_wait_s=5.0))
        waits = [patience.after_failure() for _ in range(12)]
        assert waits[-1] is None
        assert all(wait is not None and 0.5 <= wait <= 5.0 for wait in waits[:-1])
        assert all(wait is not None and wait >= 2.5 for wait in waits[3:-1])

    def test_a_success_renews_it(self) -> None:
        patience = Patience(Limits(failures=2, throttled_s=3.0))
        assert patience.after(Answer(503, {})) is not None
        assert patience.after(Answer(503, {})) is None
        patience.renew()
        assert patience.after(Answer(503, {})) is not None
        assert patience.after(Answer(429, {}, retry_after_s=2.0)) == 2.0

    @pytest.mark.parametrize("header", ["Fri, 20 Nov 2026 08:00:00 GMT", "soon", ""])
    def test_an_unreadable_retry_after_is_a_second(
        self, api: Api, scripted: ScriptedServer, waits: Waits, header: str
    ) -> None:
        scripted.scripts = [Script(429, headers={"Retry-After": header}), Script(201)]
        with api:
            assert api.post(PATH, {}, key="k").status == 201
        assert waits == [1.0]
