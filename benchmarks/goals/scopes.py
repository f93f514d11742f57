"""G14: what a tenant's scope adds to a transaction."""

from collections.abc import Iterator

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure


def run(bench: Bench) -> Iterator[Figure]:
    """One-row reads in turns, in one process."""
    bench.say("starting servers")
    with stack.started() as here:
        bench.say("one-row reads with and without a scope")
        here.settings["BENCH_SUPERUSER_URL"] = here.superuser_url
        told = here.probe("scope", tenants=100, rounds=bench.of(7, 2), calls=bench.of(2_000, 300))
        note = "Django's stock backend, one atomic() block"
        yield Figure("G14.time", told["scoped_us"], "µs", told["bare_us"], "bare", note)


GROUP = Group(("G14",), "the price of a scope", run)
