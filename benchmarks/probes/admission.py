"""G4 and its growth: admission in process, and PING on the same door to Redis."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.probes.inside import answer

# isort: split
from apps.metering import ingest
from apps.metering.events import Event
from apps.tenants import keys as tenant_keys
from benchmarks.cpu import Meter
from benchmarks.probes import population
from benchmarks.stats import median, percentile
from tenlyr.core import auth, clock, epochs, ids, keys, redis

ADDRESS = "127.0.0.1"
CALLS = 3_000


def warm(raws: list[str]) -> None:
    """Put every caller where a running product has it: in the caches. Needs no slow hash."""
    epochs.read_raised(epochs.FIRST_LOOK_S)
    # These keys have no slow hash: once in this process's cache, they must stay there.
    auth.LOCAL_TTL_S = 3_600
    for raw in raws:
        digest = keys.digest(raw)
        found = tenant_keys.load(digest)
        if found is None:
            raise LookupError("a tenant's key is not in Postgres")
        auth._to_redis(digest, found.principal)


def admission(raws: list[str]) -> Callable[[], None]:
    """One admission, each time the next tenant's: caller, throttle, limit, id, enqueue."""
    calls = 0

    def admit() -> None:
        nonlocal calls
        principal = auth.resolve(raws[calls % len(raws)], ADDRESS)
        calls += 1
        event = Event(
            id=ids.uuid7().bytes,
            has_given_id=True,
            ts_ms=clock.epoch_ms(),
            metric="api_call",
            units=1,
            endpoint="/orders",
        )
        if ingest.admit(principal, (event,)) != [event]:
            raise AssertionError("an event was not admitted")

    return admit


def ping() -> None:
    """The smallest question on the hot path's own connection."""
    redis.command(b"PING")


def timed_us(call: Callable[[], None], count: int) -> dict[str, float]:
    """p50 and p99 of single calls, in microseconds."""
    taken = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - begin)
    return {"p50": percentile(taken, 50) / 1000, "p99": percentile(taken, 99) / 1000}


def beside_ping(fsync: str, rounds: int, calls: int) -> dict[str, dict[str, float]]:
    """Admission and PING in turns, with one way of syncing Valkey's file."""
    redis.client().config_set("appendfsync", fsync)
    raws = [raw for _, raw in population.shared(100)]
    warm(raws)
    admit = admission(raws)
    subjects = {"ping": ping, "redis-py ping": redis.client().ping, "admission": admit}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in subjects}
    for call in subjects.values():
        timed_us(call, 500)
    for _ in range(rounds):
        for name, call in subjects.items():
            found[name].append(timed_us(call, calls))
    return {
        name: {figure: median(one[figure] for one in every) for figure in ("p50", "p99")}
        for name, every in found.items()
    }


def growth(sizes: list[int], rounds: int, calls: int, pids: dict[str, int]) -> dict[str, Any]:
    """CPU of an admission (ours and Valkey's) with 1, 100, … tenants, in turns."""
    redis.client().config_set("appendfsync", "everysec")
    admits = {}
    for size in sizes:
        raws = [raw for _, raw in population.shared(size)]
        warm(raws)
        admits[size] = admission(raws)
        # First calls fill the caches: keys' names, counters.
        timed_us(admits[size], max(size, 500))
    spent: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size, admit in admits.items():
            spent[size].append(_cost(admit, calls, pids))
    return {
        str(size): {name: median(one[name] for one in every) for name in every[0]}
        for size, every in spent.items()
    }


def _cost(admit: Callable[[], None], calls: int, pids: dict[str, int]) -> dict[str, float]:
    meter, own = Meter(pids), time.process_time()
    timed = timed_us(admit, calls)
    servers = sum(meter.spent_s().values())
    return {"cpu_us": (time.process_time() - own + servers) / calls * 1e6, "p50_us": timed["p50"]}


def measure(what: str, **params: Any) -> Any:
    """`beside_ping` or `growth`."""
    return growth(**params) if what == "growth" else beside_ping(**params)


if __name__ == "__main__":
    answer(measure)
