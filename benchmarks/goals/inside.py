"""G4, G5, G14: what happens inside one process of the product, without HTTP."""

from collections.abc import Iterator

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure
from benchmarks.goals import admission, scopes


def run(bench: Bench) -> Iterator[Figure]:
    """On one stack, whose web and consumer do not run."""
    bench.say("starting servers")
    with stack.started() as here:
        if bench.wants("G14"):
            yield from scopes.run(bench, here)
        yield from admission.run(bench, here)


GROUP = Group(("G4", "G5", "G14"), "inside one process", run)
