"""Grouping and cutting a log, running jobs at the same time, and the first question."""

import threading

import pytest
from access_log_replay.concurrency import run_all
from access_log_replay.loglines import LogLine
from access_log_replay.networks import Prefixes
from access_log_replay.replaying import WrongTarget, check_target, chunks_of, group_by_network
from access_log_replay.transport import Api
from hypothesis import given
from hypothesis import strategies as st

from tests.examples.scripted_server import Script, ScriptedServer


def lines_of(*clients: str) -> list[LogLine]:
    return [LogLine(number, who, 0, "/", 200, "") for number, who in enumerate(clients, 1)]


class TestGroups:
    def test_lines_of_a_network_keep_their_order(self) -> None:
        groups = group_by_network(lines_of("9.1.1.1", "10.0.0.1", "9.9.9.9"), Prefixes())
        assert {name: [line.number for line in lines] for name, lines in groups.items()} == {
            "9.0.0.0/8": [1, 3],
            "10.0.0.0/8": [2],
        }

    @given(st.lists(st.integers(1, 5).map(lambda n: f"{n}.0.0.1")), st.integers(1, 9))
    def test_chunks_hold_every_line_once(self, clients: list[str], size: int) -> None:
        chunks = chunks_of(group_by_network(lines_of(*clients), Prefixes()), size)
        numbers = [line.number for _, lines in chunks for line in lines]
        assert sorted(numbers) == list(range(1, len(clients) + 1))
        assert all(0 < len(lines) <= size for _, lines in chunks)
        assert [lines[0].number for _, lines in chunks] == sorted(
            lines[0].number for _, lines in chunks
        )


class TestRunAll:
    def test_every_job_is_done_once_by_as_many_threads(self) -> None:
        everyone_is_here = threading.Barrier(4, timeout=10)
        done: list[int] = []

        def work(job: int) -> None:
            if job < 4:
                everyone_is_here.wait()
            done.append(job)

        run_all(range(50), work, threads=4, stop=threading.Event())
        assert sorted(done) == list(range(50))

    def test_the_first_failure_stops_the_others_and_is_raised(self) -> None:
        stop = threading.Event()
        begun: list[int] = []

        def work(job: int) -> None:
            begun.append(job)
            if job == 3:
                raise RuntimeError("broken")
            assert job < 3 or stop.wait(10)

        with pytest.raises(RuntimeError, match="broken"):
            run_all(range(10_000), work, threads=2, stop=stop)
        assert len(begun) < 10

    def test_nothing_begins_after_a_stop(self) -> None:
        stop = threading.Event()
        stop.set()
        begun: list[int] = []
        run_all(range(9), begun.append, threads=3, stop=stop)
        assert begun == []


class TestCheckTarget:
    @pytest.mark.parametrize("script", [Script(200, {"data": []}), Script(503), Script(429)])
    def test_lets_pass_what_may_work(self, scripted: ScriptedServer, script: Script) -> None:
        scripted.scripts = [script]
        with Api(scripted.url) as api:
            check_target(api, "admin")
        assert scripted.requests[0].path == "/api/v1/tenants?limit=1"

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            (Script(401, {"code": "invalid_key"}), "refuses the admin key: 401 invalid_key"),
            (Script(403), "refuses the admin key: 403"),
            (Script(404, "<html>"), "is no Tenlyr"),
            (Script(200, "<html>"), "is no Tenlyr"),
            (Script(hangs_up=True), "No answer from"),
        ],
    )
    def test_stops_at_what_cannot(
        self, scripted: ScriptedServer, script: Script, reason: str
    ) -> None:
        scripted.scripts = [script]
        with Api(scripted.url) as api, pytest.raises(WrongTarget, match=reason):
            check_target(api, "admin")
