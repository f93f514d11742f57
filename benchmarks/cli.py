"""`make bench`: measure, print each goal beside its baseline and budget, keep it."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import budgets, machine, report
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Budget, Figure
from benchmarks.cpu import Neighbours
from benchmarks.goals import drain, health, inside, moves, provisioning, releases, tracking
from benchmarks.progress import Progress

RESULTS = Path(__file__).with_name("results.jsonl")
GROUPS = (
    tracking.GROUP,
    inside.GROUP,
    drain.GROUP,
    health.GROUP,
    moves.GROUP,
    provisioning.GROUP,
    releases.GROUP,
)
ALL = tuple(dict.fromkeys(goal for group in GROUPS for goal in group.goals))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure Tenlyr beside its baselines; exit 1 when a floor is missed.",
        epilog=f"Goals: {', '.join(ALL)}. See benchmarks/README.md.",
    )
    parser.add_argument("--only", default="", metavar="G1,G7", help="measure only these goals")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small counts: does it all work? a missed floor is named, not failed",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    given = parser.parse_args(argv)
    given.goals = [goal.strip() for goal in given.only.split(",") if goal.strip()] or list(ALL)
    if unknown := [goal for goal in given.goals if goal not in ALL]:
        parser.error(f"no such goal: {', '.join(unknown)} (there are {', '.join(ALL)})")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0 when every subject worked and, in a full run, every floor asked for was met."""
    given = arguments(argv)
    promised = budgets.load()
    groups = [group for group in GROUPS if set(group.goals) & set(given.goals)]
    bench = Bench(given.quick, frozenset(given.goals), Progress(len(groups)))
    result: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": given.quick,
        "machine": machine.facts(),
        "neighbours": {},
        "figures": {},
        "failed": {},
    }
    print(heading(result))
    figures: list[Figure] = []
    for group in groups:
        figures += measured(group, bench, promised, result)
    missed = report.missed(figures, promised)
    print(closing(figures, missed, result["failed"], promised))
    keep(result | {"missed": missed}, given.json)
    return 1 if result["failed"] or (missed and not given.quick) else 0


def heading(result: dict[str, Any]) -> str:
    """What, when, on what."""
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    quick = " QUICK: it shows that all works, its figures mean little." if result["quick"] else ""
    return f"Tenlyr's benchmarks, {result['at']}.{quick}\n{facts}\n"


def measured(
    group: Group, bench: Bench, promised: dict[str, Budget], result: dict[str, Any]
) -> list[Figure]:
    """A group's figures, printed and noted. A subject that fails ends its group, not the run."""
    bench.progress.begin(group.title)
    neighbours = Neighbours()
    figures: list[Figure] = []
    try:
        figures.extend(group.run(bench))
    except Exception as error:  # whatever it is: it is told, and the run counts as failed
        result["failed"][group.title] = f"{type(error).__name__}: {error}"
    bench.progress.clear()
    print(f"{', '.join(goal for goal in group.goals if bench.wants(goal))}: {group.title}")
    for line in report.table(figures, promised):
        print(line)
    reason = result["failed"].get(group.title)
    if reason:
        print(f"  FAILED: {reason}")
    share = result["neighbours"][group.title] = round(neighbours.share(), 3)
    print(f"  (other processes used {share:.0%} of the machine meanwhile)")
    print(flush=True)
    if reason:
        return []  # half a group is no result
    result["figures"] |= {figure.key: noted(figure, promised.get(figure.key)) for figure in figures}
    return figures


def noted(figure: Figure, budget: Budget | None) -> dict[str, Any]:
    """A figure as it is kept."""
    fields = {name: value for name, value in asdict(figure).items() if value not in (None, "")}
    fields.pop("key")
    if figure.ratio is not None:
        fields["ratio"] = figure.ratio
    if budget is not None:
        fields["verdict"] = budget.verdict(figure).value
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in fields.items()
    }


def closing(
    figures: Sequence[Figure],
    missed: Sequence[str],
    failed: dict[str, str],
    promised: dict[str, Budget],
) -> str:
    """The last line."""
    judged = [figure.key for figure in figures if figure.key in promised]
    parts = [f"{len(judged) - len(missed)} of {len(judged)} floors met"]
    if missed:
        parts.append(f"missed: {', '.join(missed)}")
    if failed:
        parts.append(f"failed: {', '.join(failed)}")
    return "; ".join(parts) + "."


def keep(result: dict[str, Any], file: Path | None) -> None:
    """Append to the history; write the file that was asked for."""
    with RESULTS.open("a") as history:
        # Reasons may quote paths of this machine: the history says what failed, no more.
        history.write(json.dumps(result | {"failed": list(result["failed"])}) + "\n")
    if file is not None:
        file.write_text(json.dumps(result, indent=2) + "\n")
