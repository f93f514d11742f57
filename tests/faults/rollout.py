"""A release over a fleet of schemas, its process killed half-way: `python -m tests.faults.rollout
--schemas 1000`. Prints what it took; exit 1 when a schema lacks a column, has one that was added
twice, was worked on twice, or differs from the others.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.calls import NoAnswer
from tests.faults.fleet import COLUMNS, RECORDER, Brought, Fleet
from tests.faults.target import Stuck, Target

WARM, CANARIES, LATE = 8, 2, 2
FIRST, WHOLE, KILLED = 1, 2, 3


class Report:
    """The figures and the violations of one run."""

    def __init__(self) -> None:
        self.table = Table("what", "schemas", "seconds", "ms a schema", "peak MB")
        self.violations: list[str] = []

    def row(self, what: str, schemas: int, taken_s: float, peak_mb: int | None = None) -> None:
        """One line; nothing done has no cost a schema."""
        each = f"{1000 * taken_s / schemas:.1f}" if schemas else ""
        peak = "" if peak_mb is None else str(peak_mb)
        self.table.add_row(what, f"{schemas:,}", f"{taken_s:.1f}", each, peak)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note a violation unless both are the same."""
        if found != wanted:
            self.violations.append(f"{what}: {str(found)[:300]}, not {str(wanted)[:300]}")


def play(fleet: Fleet, count: int, say: Callable[[str], None]) -> Report:
    """All of it on a new product; the figures."""
    report = Report()
    fleet.release(FIRST)
    fleet.sql(RECORDER)
    say(f"{count} tenants with schemas of their own, over the API")
    began = time.monotonic()
    fleet.grow(count)
    report.row("tenants made over the API", count, time.monotonic() - began)
    fleet.fill_pool()
    _nothing(fleet, report, say, "nothing to do")
    say("one column more, by the command")
    fleet.release(WHOLE)
    run = fleet.rollout()
    report.expect("schemas brought by the command", run.done, count)
    report.row("one column more", run.done, run.taken_s, run.peak_mb)
    say("one column more, by a worker that is killed half-way")
    _killed(fleet, count, report)
    _nothing(fleet, report, say, "nothing to do, once more")
    _claim_the_warm(fleet)
    _judge(fleet, count, report)
    return report


def _nothing(fleet: Fleet, report: Report, say: Callable[[str], None], what: str) -> None:
    say(what)
    run = fleet.rollout()
    report.expect(f"{what}: schemas brought", run.done, 0)
    report.row(f"{what}, the command's start included", 0, run.whole_s, run.peak_mb)


def _killed(fleet: Fleet, count: int, report: Report) -> None:
    fleet.release(KILLED)
    canaries = fleet.tenants[-CANARIES:]
    middle = fleet.kill_half_way(KILLED, canaries)
    before = fleet.brought(KILLED)
    fleet.grow(LATE)  # who comes while the roll-out lies there has the version from the start
    began = time.monotonic()
    fleet.resume(KILLED)
    resumed_s = time.monotonic() - began
    after = fleet.brought(KILLED)[len(before) + LATE :]
    report.row("until the worker was killed", len(before), _span_s(before))
    report.row("after it was resumed", len(after), _span_s(after))
    report.row("the same, worker's and sweep's start included", len(after), resumed_s)
    _judge_killed(fleet, count, report, before, middle)


def _judge_killed(
    fleet: Fleet, count: int, report: Report, before: list[Brought], middle: str
) -> None:
    """The kill was half-way, the canaries came first, each schema once, by one of both runs."""
    report.expect("killed half-way", 0 < len(before) < count, wanted=True)
    places = fleet.sql("SELECT tenant_id::text, schema_name FROM isolation_placement p"
                       " JOIN isolation_location l ON l.id = p.location_id")  # fmt: skip
    by_tenant = {tenant: f"d_{schema[2:]}" for tenant, schema in places}
    canaries = {by_tenant[tenant] for tenant in fleet.tenants[count - CANARIES : count]}
    report.expect("canaries first", {one.schema for one in before[:CANARIES]}, canaries)
    brought = fleet.brought(KILLED)
    times = Counter(one.schema for one in brought)
    report.expect("schemas that got the version", len(times), count + LATE)
    report.expect("worked on twice", [name for name, n in times.items() if n > 1], [])
    report.expect("the schema that was locked at the kill", times[middle], 1)
    dead = {one.pid for one in before}
    late = [one.schema for one in brought[len(before) :] if one.pid in dead]
    report.expect("brought by the dead", late, [])
    progress = fleet.progress(KILLED)
    found = [progress[name] for name in ("status", "done", "total", "failed", "error")]
    report.expect("the roll-out", found, ["done", count, count, 0, None])


def _claim_the_warm(fleet: Fleet) -> None:
    """Every warm schema of before is claimed: it must have the tables as they are now."""
    fleet.grow(fleet.warm)


def _judge(fleet: Fleet, count: int, report: Report) -> None:
    """Every schema has each column once, and none ever had another."""
    everybody = count + LATE + fleet.warm
    orders = fleet.orders()
    report.expect("schemas with the table", len(orders), everybody + 1)  # and the shared one
    wanted = ["tenant_id", "id", "total", "body", f"added_{WHOLE}", f"added_{KILLED}"]
    wrong = {name: found for name, found in orders.items() if found != (COLUMNS + 2, wanted)}
    report.expect("schemas with other columns", wrong, {})
    began = time.monotonic()
    drift = fleet.drift()
    report.row("the drift report", drift["checked"], time.monotonic() - began)
    found = [drift[name] for name in ("isClean", "checked", "behind", "driftedTotal")]
    report.expect("drift", found, [True, everybody, 0, 0])


def _span_s(brought: Sequence[Brought]) -> float:
    return brought[-1].at - brought[0].at if brought else 0.0


def run(count: int, say: Callable[[str], None]) -> Report:
    """Start a product, play, stop it."""
    settings: dict[str, Any] = {"TENLYR_WARM_SCHEMAS": str(WARM)}
    with (
        Target(web=1, worker=True, **settings) as target,
        closing(Fleet(target, WARM)) as fleet,
    ):
        return play(fleet, count, say)


def main(given: Sequence[str]) -> int:
    """Run and print; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rollout", description=__doc__)
    parser.add_argument("--schemas", type=int, default=1_000, metavar="N")
    options = parser.parse_args(given)
    console = Console()
    report = run(options.schemas, console.print)
    console.print(report.table)
    for violation in report.violations:
        console.print(f"[bold red]VIOLATED[/] {violation}")
    return 1 if report.violations else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Stuck, NoAnswer) as error:
        sys.exit(f"the roll-out could not be done: {error}")
