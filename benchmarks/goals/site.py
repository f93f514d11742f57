"""A running product whose tenants are counted: what the provisioning goals are measured on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.client import Client, together
from benchmarks.stack import WARM_SCHEMAS, Stack

SHARED, DEDICATED = "shared_schema", "dedicated_schema"
WARM = "SELECT count(*) FROM public.isolation_location WHERE state = 'warm'"
# Schemas claimed by nobody are as good as gone.
EMPTY = "UPDATE public.isolation_location SET state = 'claimed' WHERE state = 'warm'"
# What a burst leaves to do (events, the pool) is done before the next.
REST_S = 1.5


@dataclass
class Site:
    """The product as `make run` starts it; the worker runs where a goal says so."""

    bench: Bench
    stack: Stack
    port: int

    @contextmanager
    def worker(self) -> Iterator[None]:
        """The product's worker, from the moment when it has filled the pool."""
        with self.stack.worker() as worker:
            self.stack.wait("the pool fills", lambda: bool(worker.pid) and self.is_pool_full())
            yield

    def is_pool_full(self) -> bool:
        """Whether as many warm schemas wait as the product keeps."""
        return bool(self.stack.sql(WARM)[0][0] >= WARM_SCHEMAS)

    def fill_pool(self) -> None:
        """Build every warm schema now, without a worker."""
        self.stack.probe("population", warm=WARM_SCHEMAS)

    def empty_pool(self) -> None:
        """Leave no warm schema."""
        self.stack.sql(EMPTY)

    def grow(self, shared: int, dedicated: int) -> None:
        """More tenants, made in bulk."""
        self.bench.say(f"adding {shared:,} tenants with shared tables, {dedicated:,} schemas")
        self.stack.probe("population", shared_count=shared, dedicated_count=dedicated)

    def client(self) -> Client:
        """A new connection with the admin key."""
        return self.stack.client(self.port)

    def one_by_one_ms(self, level: str, count: int) -> list[float]:
        """One caller, one call after the other; each call's milliseconds."""
        client = self.client()
        return [client.provision_ms(level) for _ in range(count)]

    def claims_ms(self, count: int) -> list[float]:
        """One caller; each call takes a schema from the pool."""
        taken: list[float] = []
        while len(taken) < count:
            self.fill_pool()
            taken += self.one_by_one_ms(DEDICATED, min(WARM_SCHEMAS, count - len(taken)))
        return taken

    def builds_ms(self, count: int) -> list[float]:
        """One caller; each call waits while its schema is built."""
        self.empty_pool()
        return self.one_by_one_ms(DEDICATED, count)

    def bursts_ms(self, level: str, *, callers: int, each: int, count: int) -> list[float]:
        """Bursts of callers on new connections that start together, each after a rest; each call's
        milliseconds.
        """
        taken: list[float] = []
        for number in range(count):
            time.sleep(REST_S)
            self.stack.wait("the pool fills", self.is_pool_full)
            self.bench.say(f"{callers} callers at once, {level}, burst {number + 1} of {count}")
            taken += together([self.client() for _ in range(callers)], level, each)
        return taken
