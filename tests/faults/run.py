"""`python -m tests.faults.run`: kill, wait, count. Exit 1 when a promise did not hold.

`python -m tests.faults.run webhooks` does so with webhooks.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.faults.scene import Outcome, Scene
from tests.faults.target import Target
from tests.faults.webhooks.script import main as webhooks

KINDS = {
    "consumer": "consumer kills",
    "valkey": "Valkey kills",
    "web": "web kills",
    "postgres": "Postgres restarts (immediate)",
    "flushall": "FLUSHALL",
}


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("--consumer-kills", type=int, default=0, metavar="N")
    parser.add_argument("--valkey-kills", type=int, default=0, metavar="N")
    parser.add_argument("--web-kills", type=int, default=0, metavar="N")
    parser.add_argument("--postgres-restarts", type=int, default=0, metavar="N")
    parser.add_argument("--flushall", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, help="repeats a run's plan; random by default")
    parser.add_argument("--clients", type=int, default=4, help="client threads (4)")
    parser.add_argument("--calls-s", type=float, default=100.0, help="calls a second (100)")
    parser.add_argument("--gap-s", type=float, default=1.0, help="longest wait before a fault (1)")
    parser.add_argument("--budget-s", type=float, default=600.0, help="time for the faults (600)")
    parser.add_argument("--consumers", type=int, default=1, help="consumer processes (1)")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """Run and print; answers the exit code."""
    if given[:1] == ["webhooks"]:
        return webhooks(given[1:])
    options = arguments(given)
    counts = {
        "consumer": options.consumer_kills,
        "valkey": options.valkey_kills,
        "web": options.web_kills,
        "postgres": options.postgres_restarts,
        "flushall": options.flushall,
    }
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    console = Console()
    console.print(f"seed {seed}; {', '.join(f'{n} {KINDS[k]}' for k, n in counts.items() if n)}")
    with Target(web=2, consumers=options.consumers) as target:
        scene = Scene(target)
        outcome = _follow(console, scene, counts, seed, options)
        scene.close(outcome)
    console.print(_table(outcome, counts))
    for violation in outcome.violations:
        console.print(f"[bold red]VIOLATED[/] {violation.promise}: {violation.count}")
        for example in violation.examples:
            console.print(f"  {example}", markup=False)
    if outcome.violations:
        console.print(f"seed {outcome.seed}; the ledger is kept in {outcome.ledger_path}")
    return 1 if outcome.violations else 0


def _follow(
    console: Console,
    scene: Scene,
    counts: dict[str, int],
    seed: int,
    options: argparse.Namespace,
) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        tasks = {k: progress.add_task(KINDS[k], total=n) for k, n in counts.items() if n}
        run = scene.play(
            counts,
            seed=seed,
            budget_s=options.budget_s,
            gap_s=options.gap_s,
            clients=options.clients,
            calls_s=options.calls_s,
        )
        for step in run:
            if isinstance(step, Outcome):
                return step
            progress.advance(tasks[step])
    raise RuntimeError("the run ended without an outcome")


def _table(outcome: Outcome, counts: dict[str, int]) -> Table:
    table = Table("what", "how many", title=f"fault run of {time.strftime('%Y-%m-%d %H:%M')}")
    table.columns[1].justify = "right"
    for kind, count in counts.items():
        if count:
            done = outcome.kills.get(kind, 0)
            bound = f"  (rate below {300 / done:.2g} % at 95 %)" if done else ""
            table.add_row(KINDS[kind], f"{done} of {count}{bound}")
    for name, value in outcome.facts.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else value)
    table.add_row("violations", str(sum(found.count for found in outcome.violations)))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
