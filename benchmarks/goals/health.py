"""G10: a cycle of health beside the brute scan of the very events; its growth with both."""

from collections.abc import Iterator

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure

FEW = (100, 1_000)
BRUTE = "GROUP BY"


def run(bench: Bench) -> Iterator[Figure]:
    """Few tenants with a tenth of the events; many with a tenth, then with all."""
    many, events = bench.of(10_000, 500), bench.of(10_000_000, 50_000)
    rounds = bench.of(7, 2)
    bench.say("starting servers")
    with stack.started() as here:
        for tenants in FEW if not bench.is_quick else FEW[:1]:
            bench.say(f"{tenants:,} tenants, {events // 10:,} events")
            (told,) = here.probe("health", tenants=tenants, steps=[events // 10], rounds=rounds)
            yield _cycle(f"G10.cycle_{tenants}", told, f"{events // 10:,} events")
        bench.say(f"{many:,} tenants, {events // 10:,} and {events:,} events")
        few, all_of_them = here.probe(
            "health", tenants=many, steps=[events // 10, events], rounds=rounds
        )
    note = f"{many:,} tenants, {events:,} events; every row written"
    yield _cycle("G10.cycle", all_of_them, note)
    same, brute = all_of_them["same_ms"], all_of_them["brute_ms"]
    yield Figure("G10.unchanged", same, "ms", brute, BRUTE, "the same, no row written")
    tenth = f"{events // 10:,} events"
    yield Figure("G10.flat", all_of_them["changed_ms"], "ms", few["changed_ms"], tenth)


def _cycle(key: str, told: dict[str, float], note: str) -> Figure:
    return Figure(key, told["changed_ms"], "ms", told["brute_ms"], BRUTE, note)


GROUP = Group(("G10",), "a cycle of tenants' health", run)
