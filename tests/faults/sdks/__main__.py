"""`python -m tests.faults.sdks`: 100,000 events through each SDK's buffer, the server killed twice.

All odd kills are of the web processes, all even ones of everything. Ends with 1 when an event is
missing or stored twice, or a buffer or its process outgrew its bound.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.sdks.driver import CLIENTS, Form
from tests.faults.sdks.scene import Plan, Report, run
from tests.faults.target import Target
from tests.sdks.installed import BY_LANGUAGE


def main(given: Sequence[str]) -> int:
    """Run one client after the other; a table of their figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sdks")
    parser.add_argument("--events", type=int, default=100_000, help="through each (100000)")
    parser.add_argument("--only", choices=CLIENTS, help="one client; all by default")
    parser.add_argument("--kills", type=int, default=2, help="of the server (2)")
    parser.add_argument("--max-events", type=int, default=10_000, help="that are held (10000)")
    options = parser.parse_args(given)
    kills = list(itertools.islice(itertools.cycle(("web", "all")), options.kills))
    plan = Plan(options.events, kills, Form(options.max_events, min(500, options.max_events)))
    console = Console()
    reports = []
    with tempfile.TemporaryDirectory(prefix="tenlyr-sdks-") as folder, Target(web=2) as target:
        for client in [options.only] if options.only else CLIENTS:
            place = Path(folder) / client
            place.mkdir()
            installed = BY_LANGUAGE[CLIENTS[client]](place)
            reports += run(target, {client: installed}, plan)
            console.print(f"{client}: {reports[-1].facts}")
    console.print(_table(reports))
    for report in reports:
        for violation in report.violations:
            console.print(f"[bold red]VIOLATED[/] {report.client}: {violation.promise}")
            for example in violation.examples:
                console.print(f"  {example}", markup=False)
    return 1 if any(report.violations for report in reports) else 0


def _table(reports: list[Report]) -> Table:
    table = Table("what", *(report.client for report in reports))
    for name in reports[0].facts:
        table.add_row(name, *(_shown(report.facts.get(name, "")) for report in reports))
    return table


def _shown(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
