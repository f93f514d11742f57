"""G12: one column more for a whole fleet of schemas, beside django-tenants' own command."""

import re
import subprocess
import time
from collections.abc import Iterator

from benchmarks import stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure
from benchmarks.serving import LINES_SHOWN, SubjectFailed
from benchmarks.stack import Stack
from tenlyr.env import BASE_DIR
from tenlyr.runtime.supervisor import environment, python

TABLES = """
CREATE TABLE customers (tenant_id uuid NOT NULL, id bigint NOT NULL, email text NOT NULL,
    PRIMARY KEY (tenant_id, id));
CREATE TABLE orders (tenant_id uuid NOT NULL, id uuid NOT NULL, total numeric(12, 2) NOT NULL,
    body jsonb NOT NULL DEFAULT '{}', PRIMARY KEY (tenant_id, id));
CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint NOT NULL, text text NOT NULL,
    PRIMARY KEY (tenant_id, id));
"""
CHANGE = "ALTER TABLE orders ADD COLUMN note text"
DEDICATED = "dedicated_schema"
SAID = re.compile(r"done: \d+ of \d+ in ([\d.]+) s")


def run(bench: Bench) -> Iterator[Figure]:
    """The same tables, the same change, as many schemas."""
    count = bench.of(1_000, 6)
    bench.say("starting servers")
    with stack.started() as here:
        bench.say(f"{count} schemas with three tables each")
        _populate(here, count)
        bench.say(f"{count} schemas get one column more")
        (ours_ms, _), (_, nothing_ms) = _rolled_out_ms(here), _rolled_out_ms(here)
        bench.say(f"{count} schemas of django-tenants")
        stock = _stock(here, count)
    each, stock_each = ours_ms / count, stock["release_ms"] / count
    taken = f"{ours_ms / 1000:.1f} s; migrate_schemas {stock['release_ms'] / 1000:.1f} s"
    note = f"{count} schemas in {taken}"
    yield Figure("G12.release", each, "ms", stock_each, "migrate_schemas", note)
    note = "the whole command, its start included; migrate_schemas in a running process"
    yield Figure("G12.nothing", nothing_ms, "ms", stock["nothing_ms"], "migrate_schemas", note)


def _populate(here: Stack, count: int) -> None:
    with here.web() as web:
        client = here.client(web.port)
        client.post("/api/v1/dataplane/releases", {"version": 1, "sql": TABLES})
        for _ in range(count):
            client.provision(DEDICATED)
        client.post("/api/v1/dataplane/releases", {"version": 2, "sql": CHANGE})


def _rolled_out_ms(here: Stack) -> tuple[float, float]:
    """How long the command says that it took, and how long it was there, its start included."""
    begin = time.perf_counter()
    done = subprocess.run(
        python("manage.py", "dataplane", "rollout"),
        cwd=BASE_DIR,
        env=environment(**here.settings),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    whole_ms = (time.perf_counter() - begin) * 1000
    said = SAID.search(done.stdout)
    if done.returncode or said is None:
        raise SubjectFailed(" | ".join(done.stderr.strip().splitlines()[-LINES_SHOWN:]))
    return float(said[1]) * 1000, whole_ms


def _stock(here: Stack, count: int) -> dict[str, float]:
    tables = here.servers.folder / "fleet_tables.sql"
    tables.write_text(TABLES)
    settings = {
        **here.own_database("bench_stock_fleet"),
        "BENCH_TABLES": str(tables),
        "BENCH_CHANGE": CHANGE,
        "DJANGO_SETTINGS_MODULE": "benchmarks.baselines.stock_tenants.settings",
    }
    found: dict[str, float] = here.baseline_answer("stock_tenants.fleet", str(count), **settings)
    return found


GROUP = Group(("G12",), "a release over a fleet of schemas", run)
