"""The command without a Tenlyr to talk to."""

import subprocess
import sys
from pathlib import Path

import pytest
from access_log_replay.cli import main

from tests.examples.scripted_server import Script, ScriptedServer

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "replay_access_log.py"
GOOD = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(GOOD)
    return path


def replayed(log: Path, url: str, *more: str) -> int:
    return main([str(log), "--url", url, "--admin-key", "admin", *more])


class TestMain:
    def test_a_missing_log_is_a_sentence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert replayed(tmp_path / "nothing", "http://127.0.0.1:1") == 1
        assert "nothing cannot be read" in capsys.readouterr().err

    def test_a_log_of_another_format_is_a_sentence(
        self, log: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log.write_text('{"level": "info"}\n')
        assert replayed(log, "http://127.0.0.1:1") == 1
        told = capsys.readouterr().err
        assert "No line is in Combined Log Format." in told
        assert "line 1:" in told

    def test_a_tenlyr_that_does_not_run_is_a_sentence(
        self, log: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert replayed(log, "http://127.0.0.1:1") == 1
        assert "No answer from http://127.0.0.1:1" in capsys.readouterr().err

    def test_lines_whose_tenant_is_refused_are_errors(
        self, log: Path, scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        refusal = Script(403, {"code": "workspace_limit_exceeded"})
        scripted.scripts = [Script(200, {"data": []}), refusal]
        assert replayed(log, scripted.url, "--run-id", "mine") == 1
        told = capsys.readouterr()
        assert "1 lines: no tenant: 403 workspace_limit_exceeded" in told.out
        assert "To send what is missing: the same with --run-id mine --until 20" in told.err
        assert len(scripted.requests) == 2

    def test_a_summary_that_cannot_be_written_is_a_sentence(
        self, log: Path, scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scripted.scripts = [Script(200, {"data": []}), Script(403)]
        assert replayed(log, scripted.url, "--json", str(log / "below-a-file")) == 1
        assert "below-a-file" in capsys.readouterr().err

    def test_an_interruption_tells_what_is_done_and_how_to_go_on(
        self,
        log: Path,
        scripted: ScriptedServer,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        scripted.scripts = [Script(200, {"data": []})]
        monkeypatch.setattr("access_log_replay.concurrency.wait", interrupt)
        assert replayed(log, scripted.url) == 130
        told = capsys.readouterr()
        assert "Total" in told.out
        assert "Interrupted." in told.err
        assert "To send what is missing" in told.err


def test_the_script_needs_nothing_but_python(log: Path) -> None:
    # -S leaves out site-packages, and with them rich.
    command = [sys.executable, "-S", str(SCRIPT), str(log), "--url", "http://127.0.0.1:1"]
    done = subprocess.run([*command, "--admin-key", "k"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("No answer from http://127.0.0.1:1")
