"""The command line, its environment and the key that `make run` keeps."""

from pathlib import Path

import pytest
from access_log_replay import options
from access_log_replay.options import NoAdminKey, read_options


@pytest.fixture(autouse=True)
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone where nothing runs, entered from elsewhere, without settings."""
    for name in ("TENLYR_URL", "TENLYR_ADMIN_KEY", "TENLYR_HOME"):
        monkeypatch.delenv(name, raising=False)
    elsewhere, clone = tmp_path / "elsewhere", tmp_path / "clone"
    elsewhere.mkdir()
    (clone / ".tenlyr").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(options, "_CLONE", clone)
    return clone


class TestAdminKey:
    def test_the_plain_command_uses_the_key_of_make_run(self, clone: Path) -> None:
        (clone / ".tenlyr/admin_key").write_text("kept\n")
        read = read_options(["log"])
        assert (read.admin_key, read.url) == ("kept", "http://127.0.0.1:8000")

    def test_another_home_is_honoured(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TENLYR_HOME", str(tmp_path))
        (tmp_path / "admin_key").write_text("of home")
        assert read_options(["log"]).admin_key == "of home"

    def test_argument_before_environment_before_file(
        self, clone: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (clone / ".tenlyr/admin_key").write_text("kept")
        monkeypatch.setenv("TENLYR_ADMIN_KEY", "environment")
        assert read_options(["log"]).admin_key == "environment"
        assert read_options(["log", "--admin-key", "argument"]).admin_key == "argument"

    def test_without_any_the_ways_are_named(self) -> None:
        with pytest.raises(NoAdminKey, match=r"--admin-key.*TENLYR_ADMIN_KEY.*make run"):
            read_options(["log"])

    def test_a_key_that_cannot_be_read_is_named(self, clone: Path) -> None:
        (clone / ".tenlyr/admin_key").mkdir()
        with pytest.raises(NoAdminKey, match="admin_key cannot be read"):
            read_options(["log"])

    @pytest.mark.parametrize("key", ["kéy", "two\nlines", " padded"])
    def test_a_key_that_no_header_takes_is_refused(self, key: str) -> None:
        with pytest.raises(NoAdminKey, match="characters"):
            read_options(["log", "--admin-key", key])


class TestReadOptions:
    def test_defaults(self) -> None:
        read = read_options(["log", "--admin-key", "k"])
        assert (read.plan, read.prefixes.ipv4, read.prefixes.ipv6) == ("growth", 8, 32)
        assert (read.batch_size, read.concurrency, read.limit_lines) == (500, 8, None)
        assert read.until_ms == read.now_ms

    def test_a_run_has_a_name_of_its_own(self) -> None:
        names = {read_options(["log", "--admin-key", "k"]).run_id for _ in range(3)}
        assert len(names) == 3

    def test_single_calls_hold_one_event(self) -> None:
        assert read_options(["log", "--admin-key", "k", "--single"]).batch_size == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            ["--url", "ftp://example.com"],
            ["--url", "127.0.0.1:8000"],
            ["--url", "http://127.0.0.1:99999"],
            ["--plan", "gold"],
            ["--ipv4-prefix", "33"],
            ["--ipv6-prefix", "-1"],
            ["--concurrency", "0"],
            ["--batch-size", "10001"],
            ["--limit-lines", "many"],
            ["--until", "yesterday"],
            ["--until", "2026-11-21T08:00:00"],
            ["--until", "2015-05-17T10:05:03Z"],
            ["--until", "2999-01-01T00:00:00Z"],
        ],
    )
    def test_wrong_usage_exits_with_2(
        self, wrong: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as exited:
            read_options(["log", "--admin-key", "k", *wrong])
        assert exited.value.code == 2
        assert wrong[0] in capsys.readouterr().err

    def test_help_tells_of_re_runs_and_exit_codes(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TENLYR_ADMIN_KEY", "must-not-show")
        with pytest.raises(SystemExit) as exited:
            read_options(["--help"])
        told = capsys.readouterr().out
        assert exited.value.code == 0
        assert "Exit code: 0" in told
        assert "old key stops working" in told
        assert "must-not-show" not in told
