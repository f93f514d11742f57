"""Opening logs."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from access_log_replay.logfile import UnreadableLog, raw_lines

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LINES = [b"one\x0b\x0c\n", b"two\r\r\n", b"three"]


class TestRawLines:
    def test_a_line_ends_at_a_line_feed_only(self, tmp_path: Path) -> None:
        log = tmp_path / "access.log"
        log.write_bytes(b"".join(LINES))
        with raw_lines(str(log)) as lines:
            assert list(lines) == LINES

    def test_gzip_is_told_by_its_content(self, tmp_path: Path) -> None:
        log = tmp_path / "access.log.1"
        log.write_bytes(gzip.compress(b"".join(LINES)))
        with raw_lines(str(log), limit=2) as lines:
            assert list(lines) == LINES[:2]

    def test_an_empty_log_has_no_lines(self, tmp_path: Path) -> None:
        log = tmp_path / "access.log"
        log.touch()
        with raw_lines(str(log)) as lines:
            assert list(lines) == []

    @pytest.mark.parametrize("content", [b"".join(LINES), gzip.compress(b"".join(LINES))])
    def test_a_dash_is_standard_input(self, content: bytes) -> None:
        program = (
            "from access_log_replay.logfile import raw_lines\n"
            "with raw_lines('-') as lines: print(len(list(lines)))"
        )
        command = [sys.executable, "-W", "error", "-c", program]
        done = subprocess.run(command, input=content, capture_output=True, cwd=EXAMPLES, check=True)
        assert done.stdout == b"3\n"

    @pytest.mark.parametrize("content", [b"\x1f\x8b", gzip.compress(b"x" * 99)[:-9]])
    def test_a_broken_archive_is_named(self, tmp_path: Path, content: bytes) -> None:
        log = tmp_path / "access.log.gz"
        log.write_bytes(content)
        with pytest.raises(UnreadableLog, match=r"access\.log\.gz cannot be read"):  # noqa: SIM117
            with raw_lines(str(log)) as lines:
                list(lines)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableLog, match="nothing"), raw_lines(str(tmp_path / "nothing")):
            pass
