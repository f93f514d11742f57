"""The product under measurement: servers and processes of its own, thrown away after."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
import redis  # noqa: TID251  # the harness looks at the server from outside the product

from benchmarks.client import Client
from benchmarks.serving import LINES_SHOWN, Running, SubjectFailed
from tenlyr.env import BASE_DIR
from tenlyr.runtime import ports, product
from tenlyr.runtime.postgres import DEPLOY
from tenlyr.runtime.supervisor import environment, python
from tests.stack import Servers

THREADS = 8  # the product's own default (TENLYR_WEB_THREADS)
WARM_SCHEMAS = 64  # likewise (TENLYR_WARM_SCHEMAS)
SHARDS = 64
PATIENCE_S = 180


@dataclass
class Stack:
    """Postgres, Valkey and a set-up Tenlyr without any process yet."""

    servers: Servers
    settings: dict[str, str]
    admin_key: str = ""

    # ---- processes
    def web(self) -> Running:
        """One web process, as the product starts it."""
        port = ports.any_free()
        return self.server("web", product.web(port), port)

    def webs(self, count: int) -> list[Running]:
        """Web processes that share one port, as the product starts them."""
        port = ports.any_free()
        return [self.server(f"web-{n}", product.web(port), port) for n in range(count)]

    def server(self, name: str, command: list[str], port: int, **settings: str) -> Running:
        """Any process with this stack's settings."""
        pool = {"TENLYR_DB_POOL": product.CONNECTIONS_PER_WEB_PROCESS} if port else {}
        return Running(name, command, {**self.settings, **pool, **settings}, port)

    def consumer(self) -> Running:
        """The metering consumer."""
        return self.server("consumer", product.consumer(), 0)

    def worker(self) -> Running:
        """Celery's worker."""
        return self.server("worker", product.worker(), 0)

    def client(self, port: int) -> Client:
        """A connection to a web process with the admin key."""
        return Client(port, self.admin_key)

    def probe(self, name: str, **params: Any) -> Any:
        """Run `benchmarks.probes.<name>` in a process with the product's settings; its answer."""
        return _last_line(f"benchmarks.probes.{name}", [json.dumps(params)], self.settings)

    def own_database(self, name: str) -> dict[str, str]:
        """A database for a baseline on the same Postgres, as a setting."""
        self.sql(f'CREATE DATABASE "{name}" OWNER "{DEPLOY}"')
        address = self.servers.postgres.deploy_url.rpartition("/")[0]
        return {"BENCH_DATABASE_URL": f"{address}/{name}"}

    def baseline_answer(self, module: str, *arguments: str, **settings: str) -> Any:
        """Run `benchmarks.baselines.<module>` to its end; what its last line says."""
        return _last_line(f"benchmarks.baselines.{module}", arguments, settings)

    # ---- what its servers cost and say
    @property
    def server_pids(self) -> dict[str, int]:
        """The servers whose CPU belongs to a request."""
        found = {"postgres": self.servers.postgres.process, "valkey": self.servers.valkey.process}
        return {name: process.pid for name, process in found.items() if process}

    @property
    def superuser_url(self) -> str:
        """Postgres, without row-level security."""
        return self.servers.postgres.superuser_url

    @cached_property
    def redis(self) -> Any:
        """Valkey, from outside the product."""
        return redis.Redis.from_url(self.servers.valkey.url)

    def sql(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """A statement as the superuser; its rows."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(query, params or None)
            return cursor.fetchall() if cursor.description else []

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Poll until something is so; raises `SubjectFailed`."""
        end = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > end:
                raise SubjectFailed(f"waited {PATIENCE_S} s in vain: {what}")
            time.sleep(0.02)

    def forget_events(self) -> None:
        """Drop what was admitted and is not to be stored: keeps Valkey small between rounds."""
        pipe = self.redis.pipeline(transaction=False)
        for shard in range(SHARDS):
            pipe.xtrim(f"stream:{{{shard}}}", maxlen=0, approximate=False)
        pipe.execute()
        for name in self.redis.scan_iter(match="seen:*", count=1_000):
            self.redis.unlink(name)

    def is_drained(self) -> bool:
        """Whether every admitted event is stored."""
        pipe = self.redis.pipeline(transaction=False)
        for shard in range(SHARDS):
            pipe.xlen(f"stream:{{{shard}}}")
        return not any(pipe.execute())

    def is_ready_to_count(self) -> bool:
        """Whether the consumer has declared every shard's counters trustworthy."""
        pipe = self.redis.pipeline(transaction=False)
        for shard in range(SHARDS):
            pipe.hexists(f"ready:{{{shard}}}", "epoch")
        return all(pipe.execute())


@contextmanager
def started() -> Iterator[Stack]:
    """A fresh stack; counters are ready, no process of ours runs. Everything goes at the end."""
    # Tests make do with less memory: here Postgres runs as `make run` runs it.
    with Servers(shared_buffers="256MB") as servers:
        settings = {
            **servers.env,
            "BENCH_SUPERUSER_URL": servers.postgres.superuser_url,
            "DATABASE_POOL_URL": "",
            "DJANGO_SETTINGS_MODULE": "tenlyr.settings",
            "TENLYR_WARM_SCHEMAS": str(WARM_SCHEMAS),
        }
        stack = Stack(servers, settings)
        stack.admin_key = _answer("set-up", product.setup(), settings)["adminKey"]
        with stack.consumer():
            stack.wait("counters become ready", stack.is_ready_to_count)
        yield stack


def _last_line(module: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Any:
    return _answer(module, python("-m", module, *arguments), settings)


def _answer(name: str, command: Sequence[str], settings: Mapping[str, str]) -> Any:
    done = subprocess.run(
        command,
        cwd=BASE_DIR,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-LINES_SHOWN:]
        raise SubjectFailed(f"{name}: {' | '.join(last)}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def baseline_server(module: str, port: int, **settings: str) -> Running:
    """A baseline's WSGI application on the product's web server, with as many threads."""
    command = python(
        *("-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", ports.HOST, "--port", str(port), "--workers", "1", "--log-level", "error"),
        *("--blocking-threads", str(THREADS), "--backpressure", "4096", "--backlog", "4096"),
        f"benchmarks.baselines.{module}:application",
    )
    return Running(module, command, settings, port)
