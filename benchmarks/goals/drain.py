"""G6 and its growth: a backlog becomes rows and rollups, beside raw COPY of those rows."""

from collections.abc import Iterator
from typing import Any

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure
from benchmarks.stack import Stack

SIZES = (1, 100, 10_000)
SINGLE, PACKED = 1, 100


def run(bench: Bench) -> Iterator[Figure]:
    """With 100 tenants for the goal; then growth."""
    bench.say("starting servers")
    with stack.started() as here:
        rows, rounds = bench.of(60_000, 10_000), bench.of(3, 1)
        bench.say("backlogs of single events and of batches, 100 tenants")
        told = _probe(here, tenants=100, rows=rows, rounds=rounds, packs=[SINGLE, PACKED])
        yield from _beside_copy("", told[str(SINGLE)], "one event a stream entry: single calls")
        yield from _beside_copy("_packed", told[str(PACKED)], f"{PACKED} events an entry: batches")
        yield from _growth(bench, here)


def _growth(bench: Bench, here: Stack) -> Iterator[Figure]:
    sizes = (*SIZES[:2], bench.of(SIZES[2], 1_000))
    grown: dict[int, dict[str, float]] = {}
    for size in sizes:
        bench.say(f"backlogs with {size:,} tenants")
        rows = bench.of(40_000, 5_000)
        told = _probe(here, tenants=size, rows=rows, rounds=bench.of(2, 1), packs=[SINGLE])
        grown[size] = told[str(SINGLE)]
    one = grown[sizes[0]]
    for size in sizes[1:]:
        key = "growth.drain_postgres" if size == sizes[-1] else f"growth.drain_postgres_{size}"
        cost = grown[size]["drain_postgres_us"]
        note = f"{grown[size]['drain_rate']:,.0f} rows/s; with one tenant {one['drain_rate']:,.0f}"
        yield Figure(key, cost, "µs", one["drain_postgres_us"], "1 tenant", note)


def _probe(here: Stack, **params: Any) -> Any:
    return here.probe("drain", pids=here.server_pids, **params)


def _beside_copy(suffix: str, told: dict[str, float], what: str) -> Iterator[Figure]:
    cost = Figure(
        f"G6.cpu{suffix}", told["drain_cpu_us"], "µs", told["copy_cpu_us"], "COPY", f"{what}; a row"
    )
    yield cost
    yield Figure(f"G6.rate{suffix}", told["drain_rate"], "/s", told["copy_rate"], "COPY", what)


GROUP = Group(("G6",), "the drain from stream to rows", run)
