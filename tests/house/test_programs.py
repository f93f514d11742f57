"""A test is left out for nothing but a missing program: loudly at home, never in CI."""

import pytest

from tests.conftest import pytest_terminal_summary
from tests.house.sources import ROOT
from tests.stack import require_tool, tools

NAME = "a-program-that-nobody-has"


class Reporter:
    """A terminal that remembers what was written to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_line(self, line: str, **_markup: bool) -> None:
        """Keep the line."""
        self.lines.append(line)


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> Reporter:
    """The end of a run of its own: what this test asks for does not show in the real one."""
    told: dict[str, list[str]] = {}
    monkeypatch.setattr(tools, "missing", told)
    monkeypatch.setattr("tests.stack.missing", told)
    return Reporter()


def test_at_home_the_closing_line_names_it(
    monkeypatch: pytest.MonkeyPatch, closing: Reporter
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert require_tool(NAME, "tests.first") is None
    assert require_tool(NAME, "tests.second") is None
    assert require_tool(NAME, "tests.first") is None
    pytest_terminal_summary(closing)
    assert closing.lines == [f"NOT RUN, because {NAME} is missing: tests.first, tests.second"]


def test_in_ci_it_is_a_failure(monkeypatch: pytest.MonkeyPatch, closing: Reporter) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match=f"{NAME} is missing, and CI runs everything"):
        require_tool(NAME, "tests.first")


def test_one_that_is_there_is_found_and_not_told(closing: Reporter) -> None:
    assert require_tool("sh", "tests.first") is not None
    pytest_terminal_summary(closing)
    assert closing.lines == []


def test_the_line_of_every_group_is_said_again_at_the_very_end() -> None:
    """`make test` runs several groups: the line must not be lost among them."""
    assert "grep -h 'NOT RUN' " in (ROOT / "tests" / "run.sh").read_text()
