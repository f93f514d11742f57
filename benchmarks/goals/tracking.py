"""G1, G2, G3, G13: tracking over HTTP beside a bare Django view and a hand-written DRF endpoint.

Every check of the product is on: key, throttle, strict limit, an id of the client's for each event;
and a 201 means that the event is on disk (`appendfsync always`).
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import load, rounds, stack
from benchmarks.bench import Bench, Group
from benchmarks.budgets import Figure
from benchmarks.goals import pipeline
from benchmarks.rounds import Subject
from benchmarks.stack import Stack
from tenlyr.runtime import ports

TENANTS = 100
BATCH = 100
LIMIT_RPM = 100_000_000  # a throttle that is checked and never reached
EVENT = '{"metric": "api_call", "value": 1, "endpoint": "/orders"}'
ID = "\0"


def tenants(subject_stack: Stack, port: int, count: int) -> list[str]:
    """Keys of `count` new tenants with a strict limit and a throttle."""
    client = subject_stack.client(port)
    keys = [str(client.provision("shared_schema")["apiKey"]) for _ in range(count)]
    subject_stack.sql("UPDATE public.tenants_tenant SET limit_rpm = %s", LIMIT_RPM)
    return keys


def track_templates(port: int, keys: list[str], *, has_id: bool) -> list[list[str]]:
    """A call for each tenant; with an Idempotency-Key of its own each time, or without."""
    named = {"Idempotency-Key": ID} if has_id else {}
    return [
        load.template(
            load.request(
                "/api/v1/usage/track", EVENT, {"Authorization": f"Bearer {key}", **named}, port
            )
        )
        for key in keys
    ]


def batch_templates(port: int, keys: list[str]) -> list[list[str]]:
    """A batch for each tenant, every event with an id."""
    event = EVENT.replace("}", f', "id": "{ID}"}}')
    body = "[" + ",".join([event] * BATCH) + "]"
    return [
        load.template(
            load.request(
                "/api/v1/usage/track/batch", body, {"Authorization": f"Bearer {key}"}, port
            )
        )
        for key in keys
    ]


def hello_templates(port: int) -> list[list[str]]:
    """The anchor's call: the same body and headers as a tracked one's."""
    key = {"Authorization": "Bearer tenlyr_live_" + "x" * 46, "Idempotency-Key": ID}
    return [load.template(load.request("/hello", EVENT, key, port))]


@dataclass
class Subjects:
    """The servers of these goals, as subjects."""

    stack: Stack
    hello: Subject
    track: Subject
    bare: Subject
    batch: Subject
    drf: Subject | None


def _subjects(bench: Bench, here: Stack, running: ExitStack) -> Subjects:
    web = running.enter_context(here.web())
    hello_port = ports.any_free()
    hello = running.enter_context(stack.baseline_server("hello", hello_port))
    keys = tenants(here, web.port, bench.of(TENANTS, 10))
    pids = {"web": web.pid, **here.server_pids}
    templates = track_templates(web.port, keys, has_id=True)
    bare = track_templates(web.port, keys, has_id=False)
    return Subjects(
        here,
        Subject("hello", hello_port, hello_templates(hello_port), {"web": hello.pid}),
        Subject("track", web.port, templates, pids),
        Subject("track without ids", web.port, bare, pids),
        Subject("batch", web.port, batch_templates(web.port, keys), pids, BATCH),
        _drf(bench, here, running) if bench.wants("G13") else None,
    )


def _drf(bench: Bench, here: Stack, running: ExitStack) -> Subject:
    port = ports.any_free()
    settings = here.own_database("bench_drf")
    tokens = here.baseline_answer("drf_endpoint", str(bench.of(TENANTS, 10)), **settings)
    server = stack.baseline_server("drf_endpoint", port, **settings)
    pid = running.enter_context(server).pid
    templates = [
        load.template(load.request("/usage", EVENT, {"Authorization": f"Token {token}"}, port))
        for token in tokens
    ]
    pids = {"web": pid, "postgres": here.server_pids["postgres"]}
    return Subject("hand-written DRF", port, templates, pids)


def run(bench: Bench) -> Iterator[Figure]:
    """All on one stack; the consumer runs for G3 alone, which therefore comes first."""
    bench.say("starting servers")
    with stack.started() as here, ExitStack() as running:
        subjects = _subjects(bench, here, running)
        if bench.wants("G3"):
            yield from pipeline.run(bench, here, subjects.track, subjects.hello)
        if bench.wants("G1", "G2"):
            yield from _at_16(bench, subjects)
        if bench.wants("G1"):
            yield from _at(bench, subjects, 1)
        yield from _at_64(bench, subjects)


def _measure(bench: Bench, here: Stack, subjects: list[Subject], connections: int) -> None:
    count, seconds = bench.of(5, 1), bench.of(3, 1)
    rounds.interleaved(bench, subjects, connections, count, seconds)
    here.forget_events()


def _at_16(bench: Bench, subjects: Subjects) -> Iterator[Figure]:
    hello, track, bare, batch = subjects.hello, subjects.track, subjects.bare, subjects.batch
    asked = [hello]
    if bench.wants("G1"):
        asked += [track, bare]
    if bench.wants("G2"):
        asked.append(batch)
    _measure(bench, subjects.stack, asked, 16)
    if bench.wants("G1"):
        yield _cpu("G1.cpu", track, hello)
        yield _rate("G1.rate", track, hello)
        yield _cpu("G1.cpu_without_ids", bare, hello)
        yield _rate("G1.rate_without_ids", bare, hello)
    if bench.wants("G2"):
        yield _cpu("G2.cpu", batch, hello)
        yield _rate("G2.rate", batch, hello)


def _at(bench: Bench, subjects: Subjects, connections: int) -> Iterator[Figure]:
    hello, track = subjects.hello, subjects.track
    rounds.interleaved(bench, [hello, track], connections, bench.of(3, 1), bench.of(2, 1))
    subjects.stack.forget_events()
    yield _cpu(f"G1.cpu_c{connections}", track, hello)
    yield _rate(f"G1.rate_c{connections}", track, hello)


def _at_64(bench: Bench, subjects: Subjects) -> Iterator[Figure]:
    hello, track, drf = subjects.hello, subjects.track, subjects.drf
    asked = [hello, track] if bench.wants("G1") else [track] if drf else []
    if not asked:
        return
    _measure(bench, subjects.stack, asked + ([drf] if drf else []), 64)
    if bench.wants("G1"):
        yield _cpu("G1.cpu_c64", track, hello)
        yield _rate("G1.rate_c64", track, hello)
    if drf:
        yield _cpu("G13.cpu", track, drf)
        note = "durability differs: ours is synced to Valkey's file, DRF's committed to Postgres"
        yield Figure("G13.rate", track.rate, "/s", drf.rate, drf.name, note)


def _cpu(key: str, ours: Subject, baseline: Subject) -> Figure:
    return Figure(key, ours.cpu_us, "µs", baseline.cpu_us, baseline.name, ours.cpu_parts)


def _rate(key: str, ours: Subject, baseline: Subject) -> Figure:
    note = f"{ours.latency}; {baseline.name} {baseline.latency}; {baseline.load_share}"
    return Figure(key, ours.rate, "/s", baseline.rate, baseline.name, note)


GROUP = Group(("G1", "G2", "G3", "G13"), "tracking over HTTP", run)
