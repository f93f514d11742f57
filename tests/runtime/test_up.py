"""One command to a running product: what a user sees, whatever is killed, and how it stops."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenlyr import env
from tenlyr.core import keys
from tenlyr.runtime.accounts import for_servers
from tests.runtime.running import Up, all_gone, eventually, is_gone, kill9

# A first start may take as long as `READY_S`, and a test starts twice.
pytestmark = pytest.mark.timeout(400)
KEY = keys.generate(keys.Kind.ADMIN)
CRASHED = "is started again"
WEB = "tenlyr.runtime.web"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A product on embedded servers, started for the first time, with a key that was given."""
    folder = tmp_path_factory.mktemp("up")
    # A worker that is asked to stop finishes what it does: filling a large pool takes too long.
    product = Up(folder, TENLYR_ADMIN_KEY=KEY, TENLYR_WARM_SCHEMAS="4")
    try:
        product.start()
        yield product
    finally:
        product.remove()


@pytest.fixture(scope="module")
def tenant(up: Up) -> str:
    """The key of a tenant that has called once."""
    body = {"name": "Acme Corp", "ownerEmail": "owner@acme.example"}
    key = str(up.call("POST", "/api/v1/tenants", KEY, **body).json()["apiKey"])
    track(up, key)
    return key


def track(up: Up, key: str) -> None:
    """One call of the tenant's, that must be accepted."""
    answer = up.call("POST", "/api/v1/usage/track", key, metric="api_call", value=1)
    assert answer.status_code == 201, answer.text


def calls(up: Up, key: str) -> int:
    """How many calls are counted."""
    return int(up.call("GET", "/api/v1/usage/metrics", key).json()["apiCalls"])


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_says_where_it_is_with_key_and_login(up: Up) -> None:
    lines = up.text.splitlines()
    assert lines.count(f"Tenlyr is ready at http://127.0.0.1:{up.port}") == 1
    assert f"  admin key       {KEY}" in lines
    assert sum(line.startswith("  operator login  operator@tenlyr.local") for line in lines) == 1
    assert "Warning" not in up.text
    assert "Traceback" not in up.text


def test_secrets_lie_in_files_that_only_we_can_read(up: Up) -> None:
    assert mode(up.home) == 0o700
    assert (up.home / "admin_key").read_text() == f"{KEY}\n"
    names = {line.partition("=")[0] for line in (up.home / "run.env").read_text().splitlines()}
    secrets = {"DATABASE_URL", "REDIS_URL", "TENLYR_SECRET_KEY"}
    assert names == {*secrets, "TENLYR_DATABASE_DRIVER", "TENLYR_EGRESS_ALLOW_LOOPBACK"}
    secret = [path for path in up.home.rglob("*") if path.name in {"run.env", "admin_key"}]
    secret += [path for path in (up.home, up.servers) for path in path.rglob("*_password")]
    assert {mode(path) for path in [*secret, up.home / "secret_key"]} == {0o600}


def test_both_web_processes_answer_at_once(up: Up) -> None:
    serving = up.children(WEB)
    assert len(serving) == 2
    assert {up.answering() for _ in range(40)} == set(serving)


def test_a_command_reaches_the_running_product(up: Up, tenant: str) -> None:
    given = {"TENLYR_HOME": str(up.home), "PATH": "/usr/bin:/bin"}
    asked = "from apps.workspaces.models import Workspace; print(Workspace.objects.count())"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", asked],
        cwd=env.BASE_DIR, env=given, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["1"], done.stderr


def test_a_second_one_on_the_same_folder_is_refused(up: Up) -> None:
    second = Up(up.home.parent / "second", TENLYR_HOME=str(up.home))
    second.output.parent.mkdir()
    second.begin()
    assert second.ended() == 1
    assert f"Tenlyr cannot start: Tenlyr already runs on {up.home}: stop it first" in second.text
    assert up.is_ready()


def test_a_killed_web_process_comes_back(up: Up) -> None:
    killed = up.children(WEB)[0]
    kill9(killed)
    eventually(lambda: len(set(up.children(WEB)) - {killed}) == 2, "another is started")
    eventually(lambda: up.answering() not in (0, killed), "it answers")
    assert eventually(up.is_ready, "ready")


@pytest.mark.parametrize("name", ["worker -Q celery", "worker -Q prompt", "tenlyr beat"])
def test_a_killed_background_process_comes_back_whole(up: Up, name: str) -> None:
    main = up.children(name)[0]
    pool = up.children(name, parent=main)
    kill9(main)
    eventually(lambda: all(is_gone(pid) for pid in pool), "its pool ends")
    eventually(lambda: set(up.children(name)) - {main}, "another is started")


def test_killed_servers_come_back_with_all_they_had(up: Up, tenant: str) -> None:
    before = calls(up, tenant)
    track(up, tenant)
    killed = up.children("valkey-server") + up.children("pginstall/bin/postgres")
    assert len(killed) == 2
    for pid in killed:
        kill9(pid)
    eventually(lambda: all(is_gone(pid) for pid in killed), "both are gone")
    for words in ("valkey-server", "pginstall/bin/postgres"):
        eventually(lambda words=words: set(up.children(words)) - set(killed), words)
    # Whichever web process is asked, and with each of its connections that Postgres closed.
    eventually(lambda: all(up.is_ready() for _ in range(40)), "ready again")
    assert calls(up, tenant) == before + 1
    track(up, tenant)


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_finds_the_data(
    up: Up, tenant: str
) -> None:
    before = calls(up, tenant)
    kill9(up.process.pid)
    up.process.wait(10)
    all_gone(up)
    up.start()
    assert "admin key" not in up.text
    assert calls(up, tenant) == before
    track(up, tenant)


def test_asked_to_stop_it_stops_everything(up: Up) -> None:
    assert up.everybody()
    assert up.stop() == 0
    assert up.everybody() == []
    assert up.text.splitlines()[-1] == "Tenlyr has stopped."
    assert "ended" not in up.text
    assert not (up.home / "run.env").exists()


def test_asked_to_stop_while_it_starts_it_stops(tmp_path: Path) -> None:
    fresh = Up(tmp_path)
    fresh.begin()
    try:
        fresh.wait_for("first start")
        eventually(lambda: fresh.everybody(), "the database is being made")
        assert fresh.stop() == 0
        assert fresh.everybody() == []
        assert "Traceback" not in fresh.text
    finally:
        fresh.remove()


def test_root_gives_the_servers_an_account_of_their_own(up: Up) -> None:
    account = for_servers()
    owners = {path.stat().st_uid for path in up.servers.glob("*/data")}
    assert owners == {account.uid if account else up.home.stat().st_uid}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "80a", "PORT must be a whole number from 1 to 65535, not '80a'."),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL must be an address that begins with"),
        ("TENLYR_ADMIN_KEY", "tenlyr_live_tf_x", "TENLYR_ADMIN_KEY is not an admin key"),
        ("TENLYR_HOME", "/proc/none", "TENLYR_HOME /proc/none cannot be made"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    wrong = Up(tmp_path, **{name: value})
    wrong.begin()
    assert wrong.ended() == 1
    assert wrong.text.startswith(f"Tenlyr cannot start: {sentence}"), wrong.text
    assert len(wrong.text.splitlines()) == 1
