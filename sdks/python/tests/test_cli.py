"""The command line against the API as the cases have it."""

import gzip
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from inspect import signature
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi, known_answers
from replaying import KEYS

from tenlyr import webhooks as receiving
from tenlyr.cli import config, moves, watching, webhooks
from tenlyr.cli.commands import tenlyr
from tenlyr.cli.output import Session

ADMIN, TENANT = KEYS["$ADMIN"], KEYS["$TENANT"]
KNOWN = known_answers()
Run = Any
# click 8.1, the last for Python 3.9, mixes the two streams when it is not told otherwise.
APART: Any = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    with FakeApi() as made:
        yield made


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's real login is read or written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("TENLYR_API_KEY", "TENLYR_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(fake: FakeApi, home: Path) -> Run:
    """Run a command of somebody who has logged in."""
    config.save(config.Login(fake.url, ADMIN))
    return invoke


def invoke(*args: str, **settings: Any) -> Result:
    return CliRunner(**APART).invoke(tenlyr, args, obj=Session(), **settings)


def test_login_tries_the_key_and_keeps_it_for_its_owner_only(fake: FakeApi) -> None:
    done = invoke("login", "--url", fake.url, input=f"{ADMIN}\n")
    assert (done.exit_code, ADMIN in done.output) == (0, False)
    assert config.load() == config.Login(fake.url, ADMIN)
    assert stat.S_IMODE(config.path().stat().st_mode) == 0o600
    assert [one.path for one in fake.asked] == ["/api/v1/health/overview"]
    assert invoke("logout").exit_code == 0
    assert config.load() is None


def test_login_with_a_tenants_key(fake: FakeApi) -> None:
    assert invoke("login", "--url", fake.url, "--key", TENANT).exit_code == 0
    assert [(one.path, one.key) for one in fake.asked] == [("/api/v1/usage/metrics", TENANT)]


def test_a_login_that_is_refused_is_not_kept(fake: FakeApi) -> None:
    fake.tell("health.overview", {"message": "No.", "code": "invalid_key"}, status=401)
    done = invoke("login", "--url", fake.url, "--key", ADMIN)
    assert (done.exit_code, done.stderr) == (1, "Error: No. (invalid_key)\n")
    assert config.load() is None


def test_the_environment_goes_before_the_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENLYR_API_KEY", TENANT)
    login = config.load()
    assert login is not None
    assert login.key == TENANT


def test_without_a_login() -> None:
    done = invoke("tenants", "list")
    assert (done.exit_code, "tenlyr login" in done.stderr) == (2, True)


SHOWN = [
    (("tenants", "list"), "tenants.list", "Acme Corp"),
    (("tenants", "get", "t"), "tenants.get", "Acme Corp"),
    (
        ("tenants", "create", "Acme", "o@acme.example", "--plan", "growth"),
        "tenants.create",
        "once:",
    ),
    (("tenants", "suspend", "t", "--reason", "unpaid"), "tenants.suspend", "suspended"),
    (("tenants", "reactivate", "t"), "tenants.reactivate", "active"),
    (("tenants", "terminate", "t", "--yes"), "tenants.terminate", "Acme Corp"),
    (("tenants", "delete", "t", "--yes"), "tenants.delete", "Deleted"),
    (("tenants", "plan", "t", "scale"), "tenants.changePlan", "Acme Corp"),
    (("keys", "rotate", "t", "--grace", "60"), "tenants.rotateApiKey", "once:"),
    (("usage",), "tenants.dashboard", "Acme Corp"),
    (("usage", "--tenant-key", TENANT), "usage.summary", "api_call"),
    (("usage", "--tenant-key", TENANT, "--events", "5"), "usage.events", "/invoices"),
    (("health",), "health.list", "Acme Corp"),
    (("health", "get", "t"), "health.get", "Acme Corp"),
    (("health", "overview"), "health.overview", "critical"),
    (("health", "throttle", "t", "60"), "health.throttle", "rateLimit"),
    (("health", "unthrottle", "t"), "health.removeThrottle", "rateLimit"),
    (("moves", "list"), "isolation.migrations", "dedicated_schema"),
    (("moves", "start", "t", "dedicated_schema"), "isolation.migrate", "dedicated_schema"),
    (("moves", "rollback", "m"), "isolation.rollback", "shared_schema"),
    (("webhooks", "list"), "webhooks.list", "https://"),
    (
        ("webhooks", "create", "https://a.example", "--event", "tenant.suspended"),
        "webhooks.create",
        "whsec_",
    ),
    (("webhooks", "test", "e"), "webhooks.test", "attemptCount"),
    (("webhooks", "deliveries", "--limit", "5"), "webhooks.deliveries", "tenant."),
]


@pytest.mark.parametrize(
    ("args", "operation", "text"), SHOWN, ids=[" ".join(a[:2]) for a, _, _ in SHOWN]
)
def test_a_command_for_people_and_for_machines(
    run: Run, fake: FakeApi, args: tuple[str, ...], operation: str, text: str
) -> None:
    done = run(*args)
    assert done.exception is None or done.exit_code == 0, done.output
    assert text in done.output
    machine = run(*args, "--json")
    assert isinstance(json.loads(machine.output), (dict, list))
    assert len(fake.calls(operation)) == 2


def test_what_a_command_sends(run: Run, fake: FakeApi) -> None:
    run("tenants", "create", "Acme", "o@acme.example", "--isolation-level", "dedicated_schema")
    run("tenants", "list", "--plan", "growth", "--status", "active")
    run("tenants", "suspend", "t")
    bodies = {"name": "Acme", "ownerEmail": "o@acme.example", "isolationLevel": "dedicated_schema"}
    assert [one.body for one in fake.asked] == [bodies, None, {}]
    assert fake.asked[1].query == {"plan": "growth", "status": "active"}


def test_nothing_is_ended_without_a_yes(run: Run, fake: FakeApi) -> None:
    assert run("tenants", "delete", "t", input="n\n").exit_code == 1
    assert run("tenants", "terminate", "t", input="n\n").exit_code == 1
    assert fake.asked == []


def test_json_before_the_command_too(run: Run) -> None:
    assert json.loads(run("--json", "tenants", "get", "t").output)["name"] == "Acme Corp"


def test_a_refusal_is_a_sentence(run: Run, fake: FakeApi) -> None:
    wrong = {"field": "ownerEmail", "code": "invalid", "message": "Not an address."}
    body = {"message": "Something is wrong.", "code": "invalid", "errors": [wrong]}
    fake.tell("tenants.create", body, status=422)
    done = run("tenants", "create", "Acme", "nobody")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: Something is wrong. (invalid)\n  ownerEmail: Not an address.\n"


@pytest.mark.parametrize(("key", "status"), [(TENANT, 0), (TENANT[:-1], 1)])
def test_the_form_of_a_key(key: str, status: int) -> None:
    assert invoke("keys", "check", "--key", key).exit_code == status


@pytest.mark.parametrize("args", [("usage",), ("health",), ("usage", "--tenant-key", TENANT)])
def test_watching_until_ctrl_c(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    waits: list[float] = []

    def sleep(wait_s: float) -> None:
        waits.append(wait_s)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching, "sleep", sleep)
    assert run(*args, "--watch", "2").exit_code == 0
    assert waits == [2, 2, 2]
    assert len(fake.asked) >= 3


@pytest.mark.parametrize(("end", "status"), [("completed", 0), ("failed", 1)])
def test_looking_on_at_a_move(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch, end: str, status: int
) -> None:
    monkeypatch.setattr(moves, "sleep", lambda wait_s: None)
    move = KNOWN["isolation.migrate"].body
    fake.tell("isolation.migrate", {**move, "status": "pending"}, status=201)
    going = {**move, "status": "in_progress"}
    fake.tell("isolation.getMigration", going, going, {**move, "status": end})
    done = run("moves", "start", "t", "dedicated_schema", "--wait", "--json")
    assert (json.loads(done.stdout)["status"], done.exit_code) == (end, status)
    assert len(fake.calls("isolation.getMigration")) == 3


@pytest.mark.parametrize("as_file", [True, False])
def test_export(run: Run, tmp_path: Path, as_file: bool) -> None:
    target = tmp_path / "acme.csv"
    more = ("-o", str(target)) if as_file else ()
    done = run("export", "t", "--format", "csv", *more)
    content = target.read_bytes() if as_file else done.stdout_bytes
    assert content.decode() == KNOWN["tenants.export"].body


LOG = """\
192.0.2.1 - - [21/Nov/2026:04:05:06 +0100] "GET /invoices?page=2 HTTP/1.1" 200 512 "-" "curl"
192.0.2.1 - ann [21/Nov/2026:04:05:07 +0100] "POST /invoices HTTP/1.1" 503 0 "-" "curl"
this is no request
192.0.2.9 - - [21/Nov/2026:04:05:07 +0100] "GET / HTTP/1.0" 404 12
"""


@pytest.mark.parametrize("is_packed", [False, True])
def test_import(run: Run, fake: FakeApi, tmp_path: Path, is_packed: bool) -> None:
    log = tmp_path / ("access.log.gz" if is_packed else "access.log")
    log.write_bytes(gzip.compress(LOG.encode()) if is_packed else LOG.encode())
    fake.tell("usage.trackBatch", {"results": [{"index": 1, "status": 422, "code": "too_old"}]})
    counts = {"lines": 4, "malformed": 1, "refused": 1, "refused: too_old": 1, "sent": 2}
    assert json.loads(run("import", str(log), "--tenant-key", TENANT, "--json").stdout) == counts
    run("import", str(log), "--tenant-key", TENANT)
    first, again = (one.body for one in fake.asked)
    assert first == again
    told = [(one["endpoint"], one["statusCode"], one["timestamp"]) for one in first]
    assert told[:2] == [
        ("/invoices", 200, "2026-11-21T04:05:06.000+01:00"),
        ("/invoices", 503, "2026-11-21T04:05:07.000+01:00"),
    ]


BROKEN = {
    "not packed": b"this is no gzip",
    "cut off": gzip.compress(LOG.encode() * 2_000)[:-20],
    "spoilt": gzip.compress(LOG.encode())[:10] + bytes(40),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_an_import_of_a_broken_archive_says_so(run: Run, tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "access.log.gz"
    log.write_bytes(content)
    done = run("import", str(log), "--tenant-key", TENANT)
    assert (done.exit_code, "cannot be read to its end" in done.stderr) == (1, True)


def test_what_came_before_the_break_is_sent(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    log = tmp_path / "access.log.gz"
    log.write_bytes(BROKEN["cut off"])
    done = run("import", str(log), "--tenant-key", TENANT, "--json")
    told = json.loads(done.stdout)
    assert told["sent"] == sum(len(one.body) for one in fake.calls("usage.trackBatch")) > 0


@pytest.mark.parametrize(
    "kept", ["garbage", "[]", '{"key": 5}', b"\xff"], ids=["no JSON", "a list", "a number", "bytes"]
)
def test_a_login_that_cannot_be_read_is_a_sentence(run: Run, kept: "str | bytes") -> None:
    config.path().write_bytes(kept if isinstance(kept, bytes) else kept.encode())
    done = run("tenants", "list")
    assert (done.exit_code, "tenlyr login" in done.stderr) == (1, True)
    assert run("logout").exit_code == 0


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://[::1"])
def test_an_address_that_is_none_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    said = invoke("login", "--url", url, "--key", ADMIN)
    monkeypatch.setenv("TENLYR_API_KEY", ADMIN)
    monkeypatch.setenv("TENLYR_URL", url)
    for done in (said, invoke("tenants", "list")):
        assert (done.exit_code, "where an API can be" in done.stderr) == (2, True)


@pytest.mark.parametrize("wait", ["-1", "0", "nan", "inf"])
def test_nobody_waits_less_than_nothing(run: Run, wait: str) -> None:
    done = run("health", "--watch", wait)
    assert (done.exit_code, "above 0" in done.stderr) == (2, True)


def test_what_is_not_text_is_a_usage_error(run: Run, fake: FakeApi) -> None:
    done = run("tenants", "create", "\udcff", "o@acme.example")
    assert (done.exit_code, "UTF-8" in done.stderr, fake.asked) == (2, True, [])


def test_a_file_that_cannot_be_written_is_a_sentence(run: Run, tmp_path: Path) -> None:
    done = run("export", "t", "-o", str(tmp_path / "none" / "acme.json"))
    assert (done.exit_code, "cannot be written" in done.stderr) == (1, True)


class Receiver(HTTPServer):
    """A server of the developer's own, which hears of events."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.heard: list[tuple[bytes, dict[str, str]]] = []


class ReceiverHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((body, dict(self.headers)))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at `heard`."""


def test_listening(run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks, three events; each is forwarded once, in order, as a receiver can verify it."""
    delivery = KNOWN["webhooks.getDelivery"].body
    ids = ["d1", "d2", "d3"]
    pages = [
        [{**delivery, "id": one} for one in ids[:2][::-1]],
        [{**delivery, "id": one} for one in ids[::-1]],
    ]
    fake.tell("webhooks.deliveries", *({"data": one, "nextCursor": None} for one in pages))
    events = [{**delivery["event"], "id": f"evt_{one}"} for one in ids]
    fake.tell("webhooks.getDelivery", *({**delivery, "event": one} for one in events))
    endpoint = KNOWN["webhooks.create"].body
    secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    fake.tell("webhooks.create", {**endpoint, "secret": secret}, status=201)

    def ticks() -> Iterator[None]:
        yield from (None, None)
        raise KeyboardInterrupt

    monkeypatch.setattr(webhooks, "ticks", ticks)
    with Receiver() as receiver:
        thread = Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        done = run("webhooks", "listen", str(receiver.server_address[1]))
        receiver.shutdown()
        thread.join()
    assert (done.exit_code, done.output.count(" 204\n")) == (0, 3)
    heard = [receiving.verify(body, headers, secret) for body, headers in receiver.heard]
    assert [one.to_dict() for one in heard] == events
    assert [one.method for one in fake.asked if "/endpoints" in one.path] == [
        "POST",
        "POST",
        "DELETE",
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    done = invoke("completion", shell)
    assert (done.exit_code, "_TENLYR_COMPLETE" in done.output) == (0, True)


def test_without_its_extra_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from tenlyr.cli import main; main()"
    source = str(Path(__file__).parent.parent / "src")
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": source}, capture_output=True, text=True
    )
    assert (done.returncode, 'pip install "tenlyr[cli]"' in done.stderr) == (1, True)
