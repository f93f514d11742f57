"""G4, G5 and the growth of admission: one process, no HTTP."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.budgets import Figure
from benchmarks.stack import Stack

SIZES = (1, 100, 10_000)


def run(bench: Bench, here: Stack) -> Iterator[Figure]:
    """Each in a probe of its own."""
    if bench.wants("G4"):
        yield from _beside_ping(bench, here)
    if bench.wants("G5"):
        yield _cold(bench, here)
    if bench.wants("G4"):
        yield from _growth(bench, here)


def _beside_ping(bench: Bench, here: Stack) -> Iterator[Figure]:
    rounds, calls = bench.of(5, 2), bench.of(3_000, 500)
    # `always` measures the disk: it is printed beside, without a floor.
    for fsync, suffix in (("everysec", ""), ("always", "_always")):
        bench.say(f"admission and PING, appendfsync {fsync}")
        told = here.probe("admission", what="beside_ping", fsync=fsync, rounds=rounds, calls=calls)
        for figure in ("p50", "p99"):
            ours, ping, other = (
                told[name][figure] for name in ("admission", "ping", "redis-py ping")
            )
            note = f"redis-py's own PING: {other:.1f} µs"
            yield Figure(f"G4.{figure}{suffix}", ours, "µs", ping, "PING", note)


def _cold(bench: Bench, here: Stack) -> Figure:
    bench.say("authentication with every cache empty")
    told = here.probe("authentication", calls=bench.of(200, 20))
    return Figure("G5.time", told["cold_ms"], "ms", told["verify_ms"], "argon2id verification")


def _growth(bench: Bench, here: Stack) -> Iterator[Figure]:
    sizes = (*SIZES[:2], bench.of(SIZES[2], 1_000))
    bench.say(f"admission with {', '.join(map(str, sizes))} tenants")
    told = here.probe(
        "admission",
        what="growth",
        sizes=sizes,
        rounds=bench.of(3, 1),
        calls=bench.of(20_000, 2_000),
        pids={"valkey": here.server_pids["valkey"]},
    )
    one = told[str(sizes[0])]
    for size in sizes[1:]:
        grown = told[str(size)]
        key = "growth.admission_cpu" if size == sizes[-1] else f"growth.admission_cpu_{size}"
        note = f"p50 {grown['p50_us']:.1f} µs; with one tenant {one['p50_us']:.1f} µs"
        yield Figure(key, grown["cpu_us"], "µs", one["cpu_us"], "1 tenant", note)
