"""Promises: read from the file, and judged the right way round."""

import dataclasses
from pathlib import Path

import pytest

from benchmarks import budgets
from benchmarks.budgets import BrokenBudget, Budget, Figure, Verdict

LOWER = Budget("cost", "lower", floor=1.0, moonshot=0.5, slack=0.2)
HIGHER = Budget("rate", "higher", floor=10, moonshot=40, slack=0.2)


def figure(ratio: float) -> Figure:
    return Figure("G0.x", ours=ratio * 8, unit="µs", baseline=8, baseline_name="baseline")


def test_the_ratio_is_ours_to_the_baselines() -> None:
    assert Figure("G0.x", ours=30, unit="µs", baseline=60).ratio == 0.5
    assert Figure("G0.x", ours=30, unit="µs").ratio is None


@pytest.mark.parametrize(
    ("budget", "ratio", "verdict"),
    [
        (LOWER, 0.5, Verdict.MOONSHOT),
        (LOWER, 0.51, Verdict.MET),
        (LOWER, 1.0, Verdict.MET),
        (LOWER, 1.2, Verdict.SLACK),
        (LOWER, 1.21, Verdict.MISSED),
        (HIGHER, 40, Verdict.MOONSHOT),
        (HIGHER, 10, Verdict.MET),
        (HIGHER, 8, Verdict.SLACK),
        (HIGHER, 7.9, Verdict.MISSED),
    ],
)
def test_a_ratio_is_judged_by_floor_moonshot_and_slack(
    budget: Budget, ratio: float, verdict: Verdict
) -> None:
    assert budget.verdict(figure(ratio)) is verdict


def test_without_slack_the_floor_is_the_floor() -> None:
    tight = dataclasses.replace(LOWER, slack=0.0)
    assert tight.verdict(figure(1.01)) is Verdict.MISSED


def test_a_promise_about_the_value_itself_needs_no_baseline() -> None:
    promise = Budget("p99", "lower", floor=200, of="value")
    assert promise.verdict(Figure("P.ms", 199.0, "ms")) is Verdict.MET
    assert promise.verdict(Figure("P.ms", 201.0, "ms")) is Verdict.MISSED


def test_a_ratio_cannot_be_judged_without_its_baseline() -> None:
    with pytest.raises(BrokenBudget, match=r"G0\.x"):
        LOWER.verdict(Figure("G0.x", 1.0, "µs"))


def test_every_goal_that_is_due_has_a_floor() -> None:
    promised = budgets.load()
    goals = {key.partition(".")[0] for key in promised}
    due = {"G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G13", "G14"}
    assert due <= goals
    assert promised["provision.dedicated_ms"].floor == 200
    assert promised["G1.cpu"] == Budget(
        "CPU of a tracked call / of a bare Django POST", "lower", floor=1.0, moonshot=0.5
    )


@pytest.mark.parametrize(
    "text",
    [
        '[G1.x]\nmeans = "a"\nbetter = "sideways"\nfloor = 1',
        '[G1.x]\nmeans = "a"\nbetter = "lower"\nfloor = 1\nof = "mood"',
        '[G1.x]\nmeans = "a"\nbetter = "lower"',
        '[G1.x]\nmeans = "a"\nbetter = "lower"\nfloor = 1\nceiling = 2',
    ],
)
def test_a_promise_that_cannot_be_judged_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "budgets.toml"
    path.write_text(text)
    with pytest.raises(BrokenBudget, match=r"G1\.x"):
        budgets.load(path)
