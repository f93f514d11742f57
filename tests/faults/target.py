"""The stack under fault: real servers and the product's own processes, and what is done to them."""

import itertools
import random
import signal
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import psycopg
from redis import Redis  # noqa: TID251  # looks from outside, not through the product's door

from tenlyr.core.redis import SHARDS, stream
from tenlyr.runtime.supervisor import Command
from tests.faults.calls import HOST, Connection, NoAnswer
from tests.faults.workload import Customer
from tests.stack import Product, Servers, product, servers

# Where the consumer stands: it changes with every batch that is stored.
POSITIONS = "SELECT shard, epoch, last_ms, last_seq FROM metering_shard ORDER BY shard"
STORING = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = 'tenlyr_fleet' AND state <> 'idle' AND xact_start IS NOT NULL
"""
QUIET_TIMEOUT_S = 90.0
LOOK_EVERY_S = 0.02
LONGEST_DOWN_S = 1.5
REACH_TIMEOUT_S = 60.0
# Who has a line to one process alone asks it until it answers.
LINE_PATIENCE_S = 30.0


class Stuck(Exception):
    """Something that a healthy product does within the bound did not happen."""


def wait_until(is_so: Callable[[], bool], what: str, timeout_s: float) -> None:
    """Look until it is so; raises `Stuck` when the time is over."""
    end = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > end:
            raise Stuck(f"not within {timeout_s:g} s: {what}")
        time.sleep(LOOK_EVERY_S)


class Target:
    """Servers and product. All faults are done from the thread that started it: the kernel ends
    children when the thread that made them ends.
    """

    def __init__(self, *, fsync: str = "always", **settings: Any) -> None:
        self._servers = Servers(fsync=fsync)
        self._settings = settings
        self._db: Any = None

    def __enter__(self) -> Self:
        self._servers.start()
        try:
            self.product = Product(self._servers, **self._settings).start()
            self.redis = Redis.from_url(self._servers.valkey.url, socket_timeout=10, retry=None)
        except BaseException:
            self._servers.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.redis.close()
        self._hang_up()
        try:
            self.product.stop()
        finally:
            self._servers.stop()

    @property
    def port(self) -> int:
        """Where the web processes answer."""
        return self.product.port

    @property
    def superuser_url(self) -> str:
        """For looking at what no role of the product's may see at once."""
        return self._servers.postgres.superuser_url

    @property
    def valkey_pid(self) -> int:
        """The Valkey that runs now."""
        process = self._servers.valkey.process
        if process is None:
            raise RuntimeError("Valkey does not run")
        return process.pid

    def customer(self, name: str, plan: str = "enterprise", **fields: Any) -> Customer:
        """A fresh tenant, made over the API; asks again with the same key while nobody answers."""
        body = {"name": name, "ownerEmail": f"{uuid4().hex}@example.com", "plan": plan, **fields}
        once = str(uuid4())
        connection, end = Connection(self.port), time.monotonic() + 30
        while True:
            try:
                reply = connection.post(
                    "/api/v1/tenants", body, key=self.product.admin_key, idempotency_key=once
                )
            except NoAnswer:
                reply = None
            if reply is not None and reply.status == 201:
                limit = 1_000 if plan == "starter" else None
                connection.close()
                return Customer(reply.body["tenant"]["id"], reply.body["apiKey"], limit)
            if time.monotonic() > end or (reply is not None and reply.status < 500):
                raise Stuck(f"no tenant: {reply}")
            time.sleep(0.1)  # the back-off of a client

    def lines_to_each(self, source: str = HOST) -> list[Connection]:
        """A kept-alive connection to each web process, told by its pid.

        On a shared port the kernel picks the process, so connections are opened until each has one.
        """
        reached: dict[int, Connection] = {}
        end = time.monotonic() + REACH_TIMEOUT_S
        for port in itertools.cycle(self.product.ports):
            line = Connection(port, source=source, timeout_s=LINE_PATIENCE_S)
            pid = int(line.get("/livez").body["pid"])
            if reached.setdefault(pid, line) is not line:
                line.close()
            if len(reached) == len(self.product.web):
                break
            if time.monotonic() > end:
                for line in reached.values():
                    line.close()
                raise Stuck(f"only {len(reached)} web processes were reached")
        return list(reached.values())

    # ---- what is done to it
    def kill_consumer(self, chance: random.Random) -> str:
        """SIGKILL one consumer and start it again at once; answers what it was about."""
        child = chance.choice(self.product.consumers)
        is_storing = self.is_storing()
        product.kill9(child)
        moment = "between store and trim" if self._has_replays() else ""
        child.start()
        return moment or ("in a store transaction" if is_storing else "")

    def kill_web(self, chance: random.Random) -> None:
        """SIGKILL one web process, and start it again as the supervisor does."""
        child = chance.choice(self.product.web)
        product.kill9(child)
        child.bury()
        child.start()

    def tend(self) -> None:
        """Start what has ended, as the supervisor does."""
        for child in self.product.children:
            if child.process is not None and child.process.poll() is not None:
                child.bury()
                child.start()

    def kill_valkey(self, chance: random.Random) -> None:
        """SIGKILL Valkey and start it on the same data folder, at once or a moment later."""
        servers.kill9(self._servers.valkey)
        time.sleep(chance.choice((0.0, chance.uniform(0, LONGEST_DOWN_S))))  # it is away so long
        self._servers.valkey.start()

    def stop_valkey(self) -> None:
        """SIGKILL Valkey and leave it so."""
        servers.kill9(self._servers.valkey)

    def start_valkey(self) -> None:
        """Start Valkey on the same data folder."""
        self._servers.valkey.start()

    def restart_postgres(self, _chance: random.Random) -> None:
        """Postgres' immediate stop: no checkpoint, recovery at the start."""
        self.stop_postgres()
        self.start_postgres()

    def stop_postgres(self) -> None:
        """Postgres' immediate stop."""
        process = self._servers.postgres.process
        if process is None:
            raise RuntimeError("Postgres does not run")
        self._hang_up()
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def start_postgres(self) -> None:
        """Start Postgres on the same data folder: it recovers first."""
        self._servers.postgres.start()

    def flush_all(self) -> list[bytes]:
        """FLUSHALL; answers the payloads of all stream entries that it took along, exactly."""
        pipe = self.redis.pipeline(transaction=True)
        for shard in range(SHARDS):
            pipe.xrange(stream(shard))
        pipe.flushall()
        *streams, _ = pipe.execute()
        return [fields[b"b"] for entries in streams for _, fields in entries]

    # ---- how it is
    def positions(self) -> list[tuple[int, int, int, int]]:
        """How far the shards are stored: shard, epoch, last stream entry (ms, seq)."""
        return self._ask(POSITIONS)

    def is_storing(self) -> bool:
        """Whether a store transaction is open."""
        return bool(self._ask(STORING)[0][0])

    def unstored(self) -> int:
        """Entries that wait in the streams."""
        pipe = self.redis.pipeline(transaction=False)
        for shard in range(SHARDS):
            pipe.xlen(stream(shard))
        return sum(pipe.execute())

    def quiesce(self) -> None:
        """Wait until every part is ready and everything accepted is stored and let go of."""
        self.tend()
        self.product.wait_until_ready()
        wait_until(lambda: self.unstored() == 0, "all streams stored", QUIET_TIMEOUT_S)

    def _has_replays(self) -> bool:
        """Whether some stream still holds an entry that is stored."""
        rows = self.positions()
        pipe = self.redis.pipeline(transaction=False)
        for shard, *_ in rows:
            pipe.xrange(stream(shard), count=1)
        return any(
            entries and tuple(map(int, entries[0][0].split(b"-"))) <= (ms, seq)
            for (_, _, ms, seq), entries in zip(rows, pipe.execute(), strict=True)
        )

    def _ask(self, query: str) -> list[Any]:
        if self._db is None:
            self._db = psycopg.connect(self.superuser_url, autocommit=True, connect_timeout=10)
        found: list[Any] = self._db.execute(query).fetchall()
        return found

    def _hang_up(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _pid(child: Command) -> int:
    if child.process is None:
        raise RuntimeError(f"{child.name} does not run")
    return child.process.pid
