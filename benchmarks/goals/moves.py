"""G11: a tenant with a million events moves while it is written to, beside raw COPY of its rows."""

from collections.abc import Iterator

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure


def run(bench: Bench) -> Iterator[Figure]:
    """From the shared schema to one of its own."""
    bench.say("starting servers")
    with stack.started() as here:
        rows = bench.of(1_000_000, 20_000)
        bench.say(f"a tenant with {rows:,} events moves, 200 writes/s meanwhile")
        told = here.probe("moving", rows=rows, level="dedicated_schema")
    steps = ", ".join(f"{step} {ms / 1000:.1f}" for step, ms in told["steps_ms"].items() if ms > 99)
    yield Figure("G11.rate", told["rate"], "/s", told["raw_rate"], "COPY", f"seconds: {steps}")
    note = f"longest {told['stall_max_ms']:.0f} ms, of {told['writes']:,} writes"
    yield Figure("G11.stall_ms", told["stall_p99_ms"], "ms", note=note)
    note = f"attempt {told['fences']}"
    yield Figure("G11.fence_ms", told["fence_ms"], "ms", note=note)


GROUP = Group(("G11",), "a move between isolation levels", run)
