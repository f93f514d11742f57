"""The operator's hook: a real command and a real HTTP server, good ones and bad ones."""

import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.isolation.databases import aliases, providing
from apps.isolation.databases.drivers import calling, hook
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database
from tenlyr.runtime.processes import birth
from tests.core.threads import BOUND_S, until
from tests.isolation.databases import hook as program
from tests.isolation.databases import second
from tests.isolation.databases.second import Second

SECRET = "a secret between us and the hook"


@pytest.fixture
def notes(tmp_path: Path, other: Second, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the hook writes down what it was asked; on the second server it makes databases."""
    path = tmp_path / "notes"
    monkeypatch.setenv("HOOK_SERVER", other.deploy_url)
    monkeypatch.setenv("HOOK_NOTES", str(path))
    return path


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    yield
    Database.objects.filter(driver="hook").delete()


def command(mode: str) -> str:
    return f"{sys.executable} {program.__file__} {mode}"


def refusal(alias: str = "") -> str:
    """What is said of a database that the hook did not give; the row says the same."""
    alias = alias or providing.new_alias()
    with pytest.raises(DatabaseFailed) as refused:
        providing.provide(alias, "hook")
    row = Database.objects.get(pk=alias)
    assert (row.state, row.error) == (Database.State.FAILED, str(refused.value))
    return row.error


class TestCommand:
    def test_it_gives_and_takes(self, settings: Any, notes: Path, other: Second) -> None:
        settings.DATABASE_HOOK = command("gives")
        made = providing.provide(providing.new_alias(), "hook", about={"tenantId": "t1"})
        name = f"hooked_{made.alias}"
        assert made.provided == "an RDS (the operator's hook, at 127.0.0.1)"
        assert aliases.address_of(made).name == name
        assert second.settle(made).location.alias == made.alias
        second.remove(made)
        with other.superuser() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            assert found.fetchone() is None
        asked = [json.loads(line) for line in notes.read_text().splitlines()]
        assert [one["action"] for one in asked] == ["create", "destroy"]
        assert {one["database"] for one in asked} == {made.alias}
        assert asked[0]["about"] == {"tenantId": "t1"}

    def test_it_is_told_no_secret_of_ours(self, settings: Any, notes: Path) -> None:
        settings.DATABASE_HOOK = command("no_dsn")
        refusal()
        told = json.loads(notes.read_text())["env"]
        assert "HOOK_SERVER" in told
        assert not {"DATABASE_URL", "REDIS_URL", "TENLYR_SECRET_KEY"} & set(told)

    def test_it_may_ask_to_be_asked_again(
        self, settings: Any, notes: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hook, "ASK_AGAIN_S", 0.01)
        settings.DATABASE_HOOK = command("pends")
        made = providing.provide(providing.new_alias(), "hook")
        assert made.state == Database.State.READY
        assert len(notes.read_text().splitlines()) == 2
        settings.DATABASE_HOOK = command("gives")
        second.remove(made)

    @pytest.mark.parametrize(
        ("mode", "sentence"),
        [
            ("fails", "The database hook ended with status 1: no quota left."),
            ("garbage", "The database hook did not answer with a JSON object."),
            ("list", "The database hook did not answer with a JSON object."),
            ("nothing", "The database hook did not answer with a JSON object."),
            ("no_dsn", "The database hook answered without a dsn."),
            ("number", "The database hook answered with a dsn that is no text."),
            (
                "bad_dsn",
                "The dsn of the database hook must begin with postgresql:// and name a host.",
            ),
            ("babbles", "The database hook says too much: 64 KiB are the most."),
        ],
    )
    def test_what_is_wrong_with_it_is_one_sentence(
        self, settings: Any, notes: Path, mode: str, sentence: str
    ) -> None:
        settings.DATABASE_HOOK = command(mode)
        assert refusal() == sentence

    def test_too_slow_it_is_ended_with_all_that_it_started(
        self, settings: Any, notes: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def now() -> float:
            """Its time is over once it sleeps, however long it took to get there."""
            return float("inf") if notes.exists() and notes.read_text().isdigit() else 0.0

        monkeypatch.setattr(calling, "time", SimpleNamespace(monotonic=now, sleep=time.sleep))
        settings.DATABASE_HOOK = command("sleeps")
        settings.DATABASE_HOOK_TIMEOUT_S = 3
        assert refusal() == "The database hook did not answer within 3 s."
        child = int(notes.read_text())
        until(lambda: birth(child) is None)

    def test_a_retry_finishes_it(self, settings: Any, notes: Path) -> None:
        alias = providing.new_alias()
        settings.DATABASE_HOOK = command("fails")
        refusal(alias)
        settings.DATABASE_HOOK = command("gives")
        second.remove(providing.provide(alias))

    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ("", "TENLYR_DATABASE_HOOK is not set: a command, or an http(s) URL."),
            (
                "/nowhere/at/all --make",
                "The database hook cannot be started: No such file or directory.",
            ),
            ("echo 'open", "The database hook cannot be started: No closing quotation."),
        ],
    )
    def test_a_setting_that_is_no_command(self, settings: Any, setting: str, sentence: str) -> None:
        settings.DATABASE_HOOK = setting
        assert refusal() == sentence


class Server(ThreadingHTTPServer):
    """A hook behind HTTP; `mode` is how it behaves, `calls` what it was asked, `is_left` whether
    somebody went away before all was said.
    """

    daemon_threads = True
    mode = "gives"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.calls: list[tuple[str, str, bytes]] = []
        self.is_left = threading.Event()


class Asked(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, self.headers["Tenlyr-Signature"], body))
        mode = self.server.mode
        if mode == "drips":
            self._drip()
            return
        status = {"refuses": 503, "redirects": 302}.get(mode, 200)
        said = b"x" * 70_000 if mode == "babbles" else b"{}"
        if mode == "gives":
            said = json.dumps(program.answer(json.loads(body))).encode()
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                self.server.is_left.set()
                return
            time.sleep(0.1)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test's output is its own."""


@pytest.fixture
def http(settings: Any, other: Second, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hook that is a URL."""
    monkeypatch.setattr(program, "SERVER", other.deploy_url)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    settings.DATABASE_HOOK = f"http://127.0.0.1:{server.server_port}/databases?from=tenlyr"
    settings.DATABASE_HOOK_SECRET = SECRET
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


class TestURL:
    def test_it_gives_and_takes_and_is_signed(self, http: Server) -> None:
        made = providing.provide(providing.new_alias(), "hook")
        assert second.settle(made).location.alias == made.alias
        second.remove(made)
        assert [json.loads(body)["action"] for _, _, body in http.calls] == ["create", "destroy"]
        for path, signed, body in http.calls:
            assert path == "/databases?from=tenlyr"
            at, digest = (part.partition("=")[2] for part in signed.split(","))
            assert abs(int(at) - time.time()) < 60
            wanted = hmac.new(SECRET.encode(), f"{at}.".encode() + body, sha256).hexdigest()
            assert digest == wanted

    @pytest.mark.parametrize(
        ("mode", "sentence"),
        [
            ("refuses", "The database hook answered with status 503, not 200."),
            ("redirects", "The database hook answered with status 302, not 200."),
            ("babbles", "The database hook says too much: 64 KiB are the most."),
            ("empty", "The database hook answered without a dsn."),
        ],
    )
    def test_what_is_wrong_with_it_is_one_sentence(
        self, http: Server, mode: str, sentence: str
    ) -> None:
        http.mode = mode
        assert refusal() == sentence
        assert len(http.calls) == 1

    def test_one_that_drips_is_out_of_time(self, http: Server, settings: Any) -> None:
        http.mode = "drips"
        settings.DATABASE_HOOK_TIMEOUT_S = 1
        assert refusal() == "The database hook did not answer within 1 s."
        assert http.is_left.wait(BOUND_S)

    def test_nobody_there(self, http: Server, settings: Any) -> None:
        settings.DATABASE_HOOK = "http://127.0.0.1:9/hook"
        assert refusal() == "The database hook cannot be reached: Connection refused."

    def test_unsigned_it_is_not_asked(self, http: Server, settings: Any) -> None:
        settings.DATABASE_HOOK_SECRET = ""
        assert refusal() == "TENLYR_DATABASE_HOOK_SECRET is not set: it signs each question."
        assert http.calls == []

    @pytest.mark.parametrize("url", ["http://", "https://h:port/x"])
    def test_an_address_that_is_none(self, http: Server, settings: Any, url: str) -> None:
        settings.DATABASE_HOOK = url
        assert refusal() == "TENLYR_DATABASE_HOOK is no address that can be called."
