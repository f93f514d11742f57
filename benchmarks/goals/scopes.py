"""G14: what a tenant's scope adds to a transaction."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.budgets import Figure
from benchmarks.stack import Stack


def run(bench: Bench, here: Stack) -> Iterator[Figure]:
    """One-row reads in turns, in one process."""
    bench.say("one-row reads with and without a scope")
    told = here.probe("scope", tenants=100, rounds=bench.of(7, 2), calls=bench.of(2_000, 300))
    note = "Django's stock backend, one atomic() block"
    yield Figure("G14.time", told["scoped_us"], "µs", told["bare_us"], "bare", note)
