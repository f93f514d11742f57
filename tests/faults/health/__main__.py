"""`python -m tests.faults.health`: health, alerts and webhooks as documented (issue 4, done 1), and
under faults (done 6). Exit 1 when anything differs.

With `--as-documented` only the first, with the documented periods: about ten minutes.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.faults.calls import NoAnswer
from tests.faults.health import documented, flapping, judging
from tests.faults.health.stage import BEATS, Say, Stage
from tests.faults.target import Stuck

# Scan, window, alert worker, in seconds.
DOCUMENTED = (60, 300, 300)
SHORTENED = (5, 300, 10)
# A window in which nothing grows old: only the plan changes a status.
PLANNED = (1, 36_000, 2)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.health", description=__doc__)
    parser.add_argument("--as-documented", action="store_true", help="60 s and 5 min; done 1 only")
    parser.add_argument("--only-faults", action="store_true", help="done 6 only")
    parser.add_argument(
        "--times", type=int, default=4, choices=range(1, 11), help="faults of each kind (4)"
    )
    parser.add_argument("--tenants", type=int, default=6, metavar="N", help="that flap (6)")
    parser.add_argument("--seed", type=int, help="repeat a plan; drawn without it")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """Run and print; answers the exit code."""
    options = arguments(given)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    console, began = Console(width=100), time.monotonic()

    def say(what: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {what}", highlight=False)

    table = Table("what", "how it is", title=f"seed {seed}, {BEATS} beats")
    violations: list[str] = []
    if not options.only_faults:
        settings = DOCUMENTED if options.as_documented else SHORTENED
        violations += _documented(settings, say, table)
    if not options.as_documented:
        violations += _under_faults(options, seed, say, table)
    table.add_row("violations", str(len(violations)))
    console.print(table)
    for violation in violations:
        console.print("[bold red]VIOLATED[/]", end=" ")
        console.print(violation, markup=False)
    return 1 if violations else 0


def _documented(settings: tuple[int, int, int], say: Say, table: Table) -> list[str]:
    period_s, window_s, alert_s = settings
    with Stage(period_s=period_s, window_s=window_s, alert_s=alert_s) as stage:
        is_short = settings == SHORTENED
        outcome = documented.play(stage, say, by_dilution=is_short, is_timed=True)
    table.add_row("a scan, and its window", f"{period_s} s, {window_s} s")
    for name, value in outcome.facts.items():
        table.add_row(name, value)
    return outcome.violations


def _under_faults(options: argparse.Namespace, seed: int, say: Say, table: Table) -> list[str]:
    period_s, window_s, alert_s = PLANNED
    faults = flapping.all_faults(options.times, random.Random(seed))
    with Stage(period_s=period_s, window_s=window_s, alert_s=alert_s) as stage:
        story = flapping.play(stage, say, tenants=options.tenants, faults=faults, seed=seed)
        say("waiting until everybody is told")
        verdict = judging.judge(stage, story, with_channel=True)
    for name, number in sorted(story.faults.items()):
        table.add_row(f"killed {name}", str(number))
    for name, value in verdict.rows.items():
        table.add_row(name, value)
    return verdict.violations


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Stuck, NoAnswer) as error:
        sys.exit(f"it could not be done: {error}")
