"""`python -m tests.faults.bigmove`: a large tenant moves up twice while it works (issue 3, done 1).

Exit 1 when a row differs, a call was refused, or a bound of the promise was passed.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.stats import percentile
from tests.faults.bigmove.scene import Outcome, Scene, Size, Wait

P99_MS, LONGEST_MS, WHOLE_S = 100.0, 250.0, 300.0
WIDTH = 100
WHAT = {"track": "track calls", "operator": "operator's transactions"}


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.bigmove", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rows", type=int, default=500_000, metavar="N", help="of one table")
    parser.add_argument("--tracks-s", type=float, default=200.0, help="calls a second (200)")
    parser.add_argument("--keep-log", metavar="FILE", help="where to leave the product's log")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """Run and print; answers the exit code."""
    options = arguments(given)
    console, began = Console(width=WIDTH), time.monotonic()

    def say(what: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {what}", highlight=False)

    with tempfile.TemporaryDirectory(prefix="tenlyr-bigmove-") as folder:
        size = Size(options.events, options.rows, options.tracks_s)
        scene = Scene(Path(folder), size, say, TENLYR_LOG_LEVEL="INFO")
        try:
            outcome = scene.play()
        finally:
            if options.keep_log and scene.up.output.exists():
                Path(options.keep_log).write_text(scene.up.text)
    console.print(_table(outcome))
    broken = outcome.broken + too_slow(outcome)
    for promise in broken:
        console.print("[bold red]VIOLATED[/]", end=" ")
        console.print(promise, markup=False)
    return 1 if broken else 0


def too_slow(outcome: Outcome) -> list[str]:
    """The bounds of time that were passed."""
    found = []
    for kind, waits in outcome.waits.items():
        p99, longest = _ms(waits, 99), _ms(waits, 100)
        if p99 > P99_MS:
            found.append(f"99 of 100 {WHAT[kind]} in {p99:.0f} ms, more than {P99_MS:g}")
        if longest > LONGEST_MS:
            found.append(f"the longest of the {WHAT[kind]} {longest:.0f} ms, over {LONGEST_MS:g}")
    whole = sum(move.seconds for move in outcome.moves)
    if whole > WHOLE_S:
        found.append(f"both moves took {whole:.0f} s, more than {WHOLE_S:g}")
    return found


def _ms(waits: list[Wait], percent: float) -> float:
    taken = [seconds for _, seconds in waits]
    return 1000 * (max(taken) if percent == 100 else percentile(taken, percent))


def _table(outcome: Outcome) -> Table:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    title = f"a move of {time.strftime('%Y-%m-%d %H:%M')}, load {load}"
    table = Table("what", "how many", title=title)
    table.columns[1].justify = "right"
    for one in outcome.differences:
        wrong = f"{one.differing} differ" if not one.is_equal else "equal"
        digest = f", sha256 {one.digests[0][:12]}" if one.digests[0] else ""
        count = f"{one.found:,} of {one.expected:,} rows, " if one.expected else ""
        table.add_row(one.table, f"{count}{wrong}{digest}")
    for move in outcome.moves:
        _add_move(table, outcome, move.record["toLevel"])
    whole = sum(move.seconds for move in outcome.moves)
    table.add_row("both moves", f"{whole:.1f} s of {WHOLE_S:g}")
    table.add_row("calls tracked", f"{outcome.tracked.sent:,}")
    table.add_row("of these refused or unanswered", str(len(outcome.tracked.missed)))
    for name, number in sorted(outcome.acts.items()):
        table.add_row(f"operator's transactions: {name}", f"{number:,}")
    for kind, waits in outcome.waits.items():
        table.add_row(f"{WHAT[kind]} in both moves", _times(waits))
    for name, value in outcome.facts.items():
        table.add_row(name, str(value))
    table.add_row("violations", str(len(outcome.broken + too_slow(outcome))))
    return table


def _add_move(table: Table, outcome: Outcome, level: str) -> None:
    move = next(one for one in outcome.moves if one.record["toLevel"] == level)
    rows, detail = move.record["progress"]["rowsDone"], move.detail
    rate = f"{rows / move.seconds:,.0f} rows/s"
    table.add_row(f"to {level}", f"{rows:,} rows in {move.seconds:.1f} s, {rate}")
    times = sorted(detail["timesMs"].items(), key=lambda one: -one[1])
    steps = ", ".join(f"{name} {ms / 1000:.1f}" for name, ms in times if ms >= 50)
    table.add_row("  its steps, seconds", steps)
    parts = ", ".join(f"{name} {ms:g}" for name, ms in detail["fencePartsMs"].items())
    table.add_row("  its fence", f"{detail['fenceMs']:g} ms ({parts}), try {detail['fences']}")
    for kind, waits in outcome.waits.items():
        within = [wait for wait in waits if move.began <= wait[0] <= move.ended]
        table.add_row(f"  {WHAT[kind]}", _times(within, since=move.began))


def _times(waits: list[Wait], since: float | None = None) -> str:
    longest, at = max((seconds, moment) for moment, seconds in waits)
    when = f", {at - since:.1f} s after its start" if since is not None else ""
    return (
        f"p50 {_ms(waits, 50):.1f}, p99 {_ms(waits, 99):.1f}, longest {longest * 1000:.1f} ms{when}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
