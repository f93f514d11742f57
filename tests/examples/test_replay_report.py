"""Tallies, and how they are told."""

import io
import json

import pytest
from access_log_replay import report
from access_log_replay.loglines import LogLine, ParsedLog
from access_log_replay.progress import progress
from access_log_replay.provisioning import Tenant
from access_log_replay.sending import ACCEPTED, REFUSED, Kind, Outcome
from access_log_replay.tallies import Summary, Tally

LOST = Outcome(Kind.ERROR, "503")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def line(status: int) -> LogLine:
    return LogLine(1, "192.0.2.1", 0, "/", status, "")


@pytest.fixture
def summary() -> Summary:
    small = Tally("10.0.0.0/8", 1, tenant=Tenant("10.0.0.0/8", "t-2", "growth", "key", False))
    large = Tally("9.0.0.0/8", 4, tenant=Tenant("9.0.0.0/8", "t-1", "starter", "key", True))
    made = Summary({tally.network: tally for tally in (small, large)}, seconds=2.0)
    made.count("10.0.0.0/8", [line(200)], [ACCEPTED])
    made.count(
        "9.0.0.0/8",
        [line(404), line(503), line(200), line(200)],
        [ACCEPTED, ACCEPTED, REFUSED, LOST],
    )
    return made


class TestSummary:
    def test_a_status_of_500_is_accepted_but_not_billable(self, summary: Summary) -> None:
        tally = summary.tallies["9.0.0.0/8"]
        assert (tally.accepted, tally.billable, tally.refused, tally.errors) == (2, 1, 1, 1)

    def test_the_total_is_the_sum(self, summary: Summary) -> None:
        total = summary.total
        assert (total.lines, total.accepted, total.billable) == (5, 3, 2)
        assert summary.lines_per_s == 2.5

    def test_an_error_makes_it_incomplete_and_a_refusal_does_not(self, summary: Summary) -> None:
        assert not summary.is_complete
        refused = Summary({"n": Tally("n", 1)})
        refused.count("n", [line(200)], [REFUSED])
        assert refused.is_complete

    def test_a_line_without_outcome_makes_it_incomplete(self) -> None:
        assert not Summary({"n": Tally("n", 1)}).is_complete


class TestTable:
    def test_plain_text_has_a_row_per_tenant_and_the_total(self, summary: Summary) -> None:
        out = io.StringIO()
        report.write_table(summary, out)
        rows = [row.split() for row in out.getvalue().splitlines()]
        assert rows[1:] == [
            ["9.0.0.0/8", "4", "2", "1", "1", "1"],
            ["10.0.0.0/8", "1", "1", "1", "0", "0"],
            ["Total", "5", "3", "2", "1", "1"],
        ]

    def test_a_terminal_gets_a_drawn_one_with_the_same_figures(self, summary: Summary) -> None:
        out = Terminal()
        report.write_table(summary, out)
        assert all(word in out.getvalue() for word in ("9.0.0.0/8", "10.0.0.0/8", "Total", "─"))


class TestNotes:
    def test_tell_what_the_table_does_not(self, summary: Summary) -> None:
        out = io.StringIO()
        report.write_notes(summary, ParsedLog(malformed=[(3, "empty line")]), "growth", out)
        told = out.getvalue()
        assert "1 malformed lines were left out:\n  line 3: empty line\n" in told
        assert "1 tenants were there from an earlier run" in told
        assert "keep their plan (starter), not growth" in told
        assert "  1 lines: 503" in told
        assert "2.0 s, 2 lines/s." in told

    def test_only_the_first_malformed_lines_are_shown(self) -> None:
        log = ParsedLog(malformed=[(number, "x") for number in range(1, 26)])
        notes = list(report.malformed_notes(log))
        assert notes[0] == "25 malformed lines were left out:"
        assert (notes[-2], notes[-1]) == ("  line 10: x", "  and 15 more.")


class TestMachineSummary:
    def test_has_every_figure_and_no_key(self, summary: Summary) -> None:
        found = report.machine_summary(summary, ParsedLog(), run_id="r", until="u")
        assert found["total"] == {
            "lines": 5,
            "accepted": 3,
            "billable": 2,
            "refusedByLimit": 1,
            "errors": 1,
        }
        assert found["errorReasons"] == {"503": 1}
        assert [tenant["tenantId"] for tenant in found["tenants"]] == ["t-1", "t-2"]
        assert '"key"' not in json.dumps(found)


class TestProgress:
    def test_plain_lines_come_at_every_tenth(self) -> None:
        out = io.StringIO()
        with progress("Replaying", 20, out) as advance:
            for _ in range(20):
                advance(1)
        assert out.getvalue().splitlines() == [f"Replaying: {n} of 20" for n in range(2, 21, 2)]

    def test_a_terminal_gets_a_bar(self) -> None:
        out = Terminal()
        with progress("Replaying", 3, out) as advance:
            advance(3)
        assert "3/3" in out.getvalue()
