"""The run as a whole: a failing subject or a missed floor is named, kept, and fails the run."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cli
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure
from benchmarks.load import LoadFailed


def met(bench: Bench) -> Iterator[Figure]:
    yield Figure("G5.time", 3.0, "ms", 2.5, "verification")


def missed(bench: Bench) -> Iterator[Figure]:
    yield Figure("G14.time", 90.0, "µs", 30.0, "bare")


def failing(bench: Bench) -> Iterator[Figure]:
    yield Figure("G1.cpu", 30.0, "µs", 60.0, "hello")
    raise LoadFailed("answered 503 in /secret/path")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    monkeypatch.setattr(cli, "RESULTS", tmp_path / "results.jsonl")

    def run_(*groups: Group, argv: tuple[str, ...] = ()) -> int:
        monkeypatch.setattr(cli, "GROUPS", groups)
        return cli.main(argv)

    return run_


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]


MET = Group(("G5",), "something good", met)
MISSED = Group(("G14",), "something slow", missed)
FAILING = Group(("G1",), "something broken", failing)


def test_a_run_that_meets_its_floors_succeeds_and_is_kept(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(MET) == 0
    assert run(MET) == 0
    assert "1 of 1 floors met." in capsys.readouterr().out
    first, second = kept(tmp_path)
    assert first["figures"]["G5.time"] == {
        "ours": 3.0, "unit": "ms", "baseline": 2.5, "baseline_name": "verification",
        "ratio": 1.2, "verdict": "met",
    }  # fmt: skip
    assert second["missed"] == []
    assert set(first["machine"]) >= {"cores", "kernel", "python"}


def test_a_missed_floor_fails_the_run(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(MET, MISSED) == 1
    assert "1 of 2 floors met; missed: G14.time." in capsys.readouterr().out
    assert kept(tmp_path)[0]["missed"] == ["G14.time"]


def test_a_quick_run_names_a_missed_floor_and_does_not_fail_by_it(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(MISSED, argv=("--quick",)) == 0
    assert "missed: G14.time" in capsys.readouterr().out


def test_a_subject_that_fails_ends_its_group_and_fails_the_run_even_a_quick_one(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(FAILING, MET, argv=("--quick",)) == 1
    out = capsys.readouterr().out
    assert "FAILED: LoadFailed: answered 503" in out
    assert "G5.time" in out  # the other goals went on
    (result,) = kept(tmp_path)
    assert result["failed"] == ["something broken"]
    assert "/secret/path" not in json.dumps(result)
    assert "G1.cpu" not in result["figures"], "half a group's figures are no result"


def test_only_the_goals_that_were_asked_for_are_run(
    run: Callable[..., int], tmp_path: Path
) -> None:
    file = tmp_path / "result.json"
    assert run(FAILING, MET, argv=("--only", "G5", "--json", str(file))) == 0
    assert set(json.loads(file.read_text())["figures"]) == {"G5.time"}


def test_an_unknown_goal_is_an_error_of_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.arguments(["--only", "G1,G77"])
    assert ended.value.code == 2
    assert "no such goal: G77" in capsys.readouterr().err


def test_every_goal_that_is_due_is_measured() -> None:
    due = {f"G{number}" for number in range(1, 15)}
    assert set(cli.ALL) == due
