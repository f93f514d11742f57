"""Many schemas under a roll-out: the fleet, what is done to it, and what its database says."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tenlyr import env
from tenlyr.runtime.supervisor import Command, python
from tests.faults.calls import Connection, Reply
from tests.faults.target import Stuck, Target, wait_until
from tests.stack import product

DEDICATED = "dedicated_schema"
TABLES = """
CREATE TABLE customers (tenant_id uuid NOT NULL, id bigint NOT NULL, email text NOT NULL,
    PRIMARY KEY (tenant_id, id));
CREATE TABLE orders (tenant_id uuid NOT NULL, id uuid NOT NULL, total numeric(12, 2) NOT NULL,
    body jsonb NOT NULL DEFAULT '{}', PRIMARY KEY (tenant_id, id));
CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint NOT NULL, text text NOT NULL,
    PRIMARY KEY (tenant_id, id));
"""
COLUMNS = 4  # of orders in the first version; each later version adds one
# Every release that a schema gets, and which session brought it: kept by commit, as the DDL is.
RECORDER = """
CREATE TABLE public.brought (schema text, version integer, pid integer, at timestamptz);
CREATE FUNCTION public.note_brought() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.brought
    VALUES (NEW.schema, NEW.version, pg_backend_pid(), clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER note_brought AFTER UPDATE ON tenlyr_dataplane.applied
    FOR EACH ROW EXECUTE FUNCTION public.note_brought();
"""
ORDERS = """
SELECT n.nspname::text, max(a.attnum)::integer,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relname = 'orders' AND n.nspname ~ '^(d|op)_[0-9a-f]{32}$' GROUP BY 1
"""
BROUGHT = r"""
SELECT schema, pid, extract(epoch FROM at)::float FROM public.brought
WHERE version = %s AND schema LIKE 'd\_%%' ORDER BY at
"""
QUEUE = """
SELECT schema FROM dataplane_schemastate WHERE version < %s AND location_id IS NOT NULL
ORDER BY wave, schema
"""
WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
OWNERS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenlyr_deploy'"
WARM = "SELECT count(*) FROM isolation_location WHERE state = 'warm'"
SAID = re.compile(r"done: (\d+) of (\d+) in ([\d.]+) s")
CALLERS = 4
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Brought:
    """One schema that got a version: by which session, and when (epoch seconds)."""

    schema: str
    pid: int
    at: float


@dataclass(frozen=True)
class Run:
    """One run of `manage.py dataplane rollout`: its own seconds, all seconds, its peak memory."""

    done: int
    taken_s: float
    whole_s: float
    peak_mb: int


class Fleet:
    """One workspace whose tenants all have schemas of their own, in a running product."""

    def __init__(self, target: Target, warm: int) -> None:
        self.target, self.warm = target, warm
        self.tenants: list[str] = []
        self._line = Connection(target.port, timeout_s=60)

    @property
    def worker(self) -> Command:
        """Celery's worker."""
        worker = self.target.product.worker
        if worker is None:
            raise RuntimeError("the product runs without a worker")
        return worker

    def sql(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """A statement as the superuser; its rows."""
        with psycopg.connect(self.target.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(query, params or None)
            return cursor.fetchall() if cursor.description else []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call with the admin key; its body. Raises `Stuck` for anything but success."""
        path = f"/api/v1/dataplane/{path}"
        reply: Reply = self._line.call(method, path, body, key=self.target.product.admin_key)
        if not 200 <= reply.status < 300:
            raise Stuck(f"{path} answered {reply.status}: {reply.body}")
        return reply.body

    def release(self, version: int) -> None:
        """The first version has tables, each later one a column more."""
        sql = TABLES if version == 1 else f"ALTER TABLE orders ADD COLUMN added_{version} text"
        self.call("POST", "releases", {"version": version, "sql": sql})

    def grow(self, count: int) -> None:
        """So many more tenants, made over the API."""
        with ThreadPoolExecutor(CALLERS) as callers:
            made = callers.map(
                lambda number: self.target.customer(f"Fleet {number}", isolationLevel=DEDICATED),
                range(count),
            )
            self.tenants += [customer.id for customer in made]

    def fill_pool(self) -> None:
        """Wait until as many warm schemas are there as the product keeps."""
        wait_until(lambda: self.sql(WARM)[0][0] >= self.warm, "the pool is full", PATIENCE_S)

    def rollout(self) -> Run:
        """The command, to its end; raises `Stuck` when it fails."""
        began = time.monotonic()
        process = subprocess.Popen(
            python("manage.py", "dataplane", "rollout"),
            cwd=env.BASE_DIR,
            env=self.target.product.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process.stdout or open(os.devnull) as output:
            said = output.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        found = SAID.search(said)
        if process.returncode or found is None:
            raise Stuck(f"the command ended with {process.returncode}: {said[-500:]}")
        whole_s = time.monotonic() - began
        return Run(int(found[1]), float(found[3]), whole_s, usage.ru_maxrss // 1024)

    def kill_half_way(self, version: int, canaries: list[str]) -> str:
        """Let the worker roll a version out and SIGKILL it in the middle: while it waits for a lock
        on the schema that is in the middle of the queue. Answers that schema.
        """
        self._kill()
        self.call("POST", f"releases/{version}/rollout", {"canaryTenantIds": canaries})
        queue = [schema for (schema,) in self.sql(QUEUE, version)]
        middle = queue[len(queue) // 2]
        table = f'"{middle}".orders'
        with self._locked(table):
            self.worker.start()
            what = "the worker comes to the locked schema"
            wait_until(lambda: bool(self.sql(WAITERS, table)[0][0]), what, PATIENCE_S)
            self._kill()
        # What it had sent may still be carried out.
        wait_until(lambda: not self.sql(OWNERS)[0][0], "its sessions end", PATIENCE_S)
        return str(middle)

    def resume(self, version: int) -> None:
        """Start the worker again, do what the clock does every 30 seconds, wait for the end."""
        self.worker.start()
        sweep = python("-m", "celery", "-q", "-A", "tenlyr", "call", "dataplane.resume_rollouts")
        subprocess.run(
            sweep,
            cwd=env.BASE_DIR,
            env=self.target.product.settings,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        wait_until(lambda: self.progress(version)["status"] != "rolling", "the end", PATIENCE_S)

    def progress(self, version: int) -> Any:
        """What the API says of a version's roll-out."""
        return self.call("GET", f"releases/{version}/rollout")

    def drift(self) -> Any:
        """What the API says of schemas that differ."""
        return self.call("GET", "drift")

    def brought(self, version: int) -> list[Brought]:
        """The schemas of tenants' own that got the version, in the order of their records."""
        return [Brought(*row) for row in self.sql(BROUGHT, version)]

    def orders(self) -> dict[str, tuple[int, list[str]]]:
        """By schema: how many columns the table orders ever had, and those that it has."""
        return {schema: (most, names) for schema, most, names in self.sql(ORDERS)}

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _kill(self) -> None:
        product.kill9(self.worker)
        self.worker.bury()

    @contextmanager
    def _locked(self, table: str) -> Iterator[None]:
        with psycopg.connect(self.target.superuser_url) as holder:
            holder.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
            yield
