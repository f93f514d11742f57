"""G7, G8, G9 and the promise of 200 ms: provisioning over HTTP, as an installation grows.

Two web processes share one port, as `make run` starts them. Where one caller is measured, no worker
refills the pool of warm schemas meanwhile, so that a creation and its baseline are alone; where
many call at once, the worker is at work as it would be.
"""

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure
from benchmarks.goals.site import DEDICATED, SHARED, Site
from benchmarks.goals.stock import StockTenants
from benchmarks.stats import median, percentile

WEB_PROCESSES = 2
CALLERS, BURST = 8, 20
LEVELS = {"shared": SHARED, "dedicated": DEDICATED}


def run(bench: Bench) -> Iterator[Figure]:
    """One installation, from no tenant to 10,000."""
    bench.say("starting servers")
    with stack.started() as here, ExitStack() as running:
        webs = [running.enter_context(web) for web in here.webs(WEB_PROCESSES)]
        site = Site(bench, here, webs[0].port)
        for _ in range(2 * WEB_PROCESSES):
            site.client().provision(SHARED)  # each process loads what it needs
        yield from _beside_django_tenants(bench, site)
        if bench.wants("G8", "G9"):
            yield from _growing(bench, site)


def _beside_django_tenants(bench: Bench, site: Site) -> Iterator[Figure]:
    if not bench.wants("G7"):
        return
    count = bench.of(40, 4)
    claimed, built, stock_ms = [], [], []
    site.fill_pool()
    with StockTenants(site.stack) as stock:
        client = site.client()
        bench.say("schemas from the pool, beside django-tenants' save()")
        for _ in range(count):
            claimed.append(client.provision_ms(DEDICATED))
            stock_ms.append(stock.save_ms())
        site.empty_pool()
        bench.say("schemas built while the caller waits, beside save()")
        for _ in range(count):
            built.append(client.provision_ms(DEDICATED))
            stock_ms.append(stock.save_ms())
    yield Figure("G7.warm", median(claimed), "ms", median(stock_ms), "save()")
    yield Figure("G7.empty", median(built), "ms", median(stock_ms), "save()")


def _growing(bench: Bench, site: Site) -> Iterator[Figure]:
    sizes = (100, 1_000, 5_000, 10_000) if not bench.is_quick else (20, 40, 60, 80)
    at_none = _one_caller(bench, site, "at the start")
    small, many, more, most = sizes
    site.grow(small, small)
    yield from _compared(_one_caller(bench, site, f"{small:,} tenants"), at_none, f"_{small}")
    site.grow(many - small, many - small)
    with_many = _one_caller(bench, site, f"{many:,} tenants")
    yield from _compared({"dedicated": with_many.pop("dedicated")}, at_none, "")
    yield from _compared(with_many, at_none, f"_{many}")
    if bench.wants("G9"):
        yield from _at_once(bench, site)
    if bench.wants("G8"):
        site.grow(more - many, 0)
        yield from _compared({"shared": _shared(bench, site, more)}, at_none, "")
        site.grow(most - more, 0)
        yield from _compared({"shared": _shared(bench, site, most)}, at_none, f"_{most}")


def _one_caller(bench: Bench, site: Site, what: str) -> dict[str, float]:
    """p50 of one caller's calls, in milliseconds."""
    bench.say(f"one caller, {what}")
    return {
        "shared": median(site.one_by_one_ms(SHARED, bench.of(100, 10))),
        "dedicated": median(site.claims_ms(bench.of(40, 4))),
        "dedicated_built": median(site.builds_ms(bench.of(20, 4))),
    }


def _shared(bench: Bench, site: Site, tenants: int) -> float:
    bench.say(f"one caller, {tenants:,} tenants")
    return median(site.one_by_one_ms(SHARED, bench.of(100, 10)))


def _compared(now: dict[str, float], at_none: dict[str, float], suffix: str) -> Iterator[Figure]:
    for name, ms in now.items():
        yield Figure(f"G8.{name}{suffix}", ms, "ms", at_none[name], "at the start")


def _at_once(bench: Bench, site: Site) -> Iterator[Figure]:
    """Many callers, beside one synchronous creation: a schema built while its caller waits."""
    built = site.builds_ms(bench.of(20, 4))
    many, bursts = {}, {}
    with site.worker():
        for name, level in LEVELS.items():
            many[name] = site.bursts_ms(level, callers=CALLERS, each=5, count=bench.of(5, 1))
            bursts[name] = site.bursts_ms(level, callers=BURST, each=1, count=bench.of(10, 2))
    # Before and after: a machine has moods that last for seconds.
    built_ms = median(built + site.builds_ms(bench.of(20, 4)))
    for name in LEVELS:
        p99 = percentile(bursts[name], 99)
        yield Figure(f"provision.{name}_ms", percentile(many[name], 99), "ms", note=_of(many[name]))
        yield Figure(f"G9.{name}_ms", p99, "ms", note=_of(bursts[name]))
        yield Figure(f"G9.{name}", p99, "ms", built_ms, "one built synchronously")


def _of(taken: list[float]) -> str:
    return f"p50 {median(taken):.1f} ms, of {len(taken)} calls"


GROUP = Group(("G7", "G8", "G9"), "provisioning over HTTP", run)
