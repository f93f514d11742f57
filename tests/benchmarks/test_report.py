"""What is printed: each figure beside its baseline, what it promised, and how it went."""

from benchmarks import report
from benchmarks.budgets import Budget, Figure

BUDGETS = {"G1.cpu": Budget("CPU of ours / of theirs", "lower", floor=1.0, moonshot=0.5)}
MET = Figure("G1.cpu", 40.0, "µs", 60.0, "hello", note="web 30 + valkey 10")
MISSED = Figure("G1.cpu", 90.0, "µs", 60.0, "hello")
EXTRA = Figure("G1.cpu_c1", 12_345.6, "/s")


def test_a_row_has_both_sides_the_ratio_and_the_marks() -> None:
    _, row, means, note, extra = report.table([MET, EXTRA], BUDGETS)
    assert row.split() == (
        ["G1.cpu", "40.00", "µs", "hello", "60.00", "µs", "0.667", "≤", "1", "≤", "0.5", "met"]
    )
    assert means.strip() == "CPU of ours / of theirs"
    assert note.strip() == "web 30 + valkey 10"
    assert extra.split() == ["G1.cpu_c1", "12,346", "/s"]


def test_only_promises_can_be_missed() -> None:
    assert report.missed([MET, EXTRA], BUDGETS) == []
    assert report.missed([MISSED, EXTRA], BUDGETS) == ["G1.cpu"]
