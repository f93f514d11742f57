"""G3: an event's whole way, from the call to its row; then every id is looked for."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from benchmarks import load, rounds
from benchmarks.bench import Bench
from benchmarks.budgets import Figure
from benchmarks.cpu import Meter
from benchmarks.rounds import Sample, Subject, once
from benchmarks.serving import SubjectFailed
from benchmarks.stack import Stack

CONNECTIONS = 16
IDS = """
COPY (SELECT ('x' || right(id::text, 12))::bit(48)::bigint FROM tenlyr_shared.usage_event
      WHERE id BETWEEN '{head}000000000000' AND '{head}ffffffffffff') TO STDOUT
"""
MONTHS = """
SELECT coalesce(sum(count), 0)::bigint FROM tenlyr_shared.usage_rollup WHERE grain = 'month'
"""


@dataclass
class Totals:
    """What was sent and found over all rounds."""

    accepted: int = 0
    waits_s: float = 0.0


def run(bench: Bench, here: Stack, track: Subject, hello: Subject) -> Iterator[Figure]:
    """Rounds of load with the consumer at work, beside rounds of the bare view.

    Nothing may have been accepted on this stack before: all of its rows are counted.
    """
    with here.consumer() as consumer:
        pids = {**track.pids, "consumer": consumer.pid}
        ours = Subject("pipeline", track.port, track.templates, pids)
        beside = Subject(hello.name, hello.port, hello.templates, hello.pids)
        totals = _rounds(bench, here, ours, beside)
    yield _cpu(ours, beside, totals)
    yield Figure("G3.rate", ours.rate, "/s", beside.rate, beside.name, ours.latency)
    note = "from the last call to the last row, mean of rounds"
    yield Figure("G3.catching_up", totals.waits_s * 1000, "ms", note=note)


def _rounds(bench: Bench, here: Stack, ours: Subject, hello: Subject) -> Totals:
    totals, count = Totals(), bench.of(3, 1)
    # Both warm up; what is accepted here must be found below, too.
    once(hello, CONNECTIONS, rounds.WARM_UP_S)
    _round(here, ours, rounds.WARM_UP_S, totals)
    totals.waits_s = 0.0
    for number in range(count):
        bench.say(f"hello, round {number + 1} of {count}")
        hello.samples.append(once(hello, CONNECTIONS, bench.of(3, 1)))
        bench.say(f"the whole pipeline, round {number + 1} of {count}")
        ours.samples.append(_round(here, ours, bench.of(12, 2), totals))
    totals.waits_s /= count
    _check_rollups(here, totals.accepted)
    return totals


def _round(here: Stack, ours: Subject, seconds: float, totals: Totals) -> Sample:
    """Load, wait for the last row, count ids. CPU is that of the load and of catching up."""
    series = next(rounds.series_numbers)
    meter = Meter(ours.pids)
    result = load.run(ours.spec(CONNECTIONS, seconds, series))
    begin = time.monotonic()
    here.wait("the consumer catches up", here.is_drained)
    totals.waits_s += time.monotonic() - begin
    spent_s = meter.spent_s()
    _reconcile(here, rounds.id_head(series), result.ids)
    totals.accepted += result.requests
    return rounds.sample(result, spent_s)


def _reconcile(here: Stack, head: str, accepted: int) -> None:
    """Each id that got a 201 must be stored once, and no other. Raises `SubjectFailed`."""
    with (
        psycopg.connect(here.superuser_url) as connection,
        connection.cursor().copy(IDS.format(head=head)) as copied,
    ):
        stored = [int(line) for line in b"".join(copied).split()]
    found = set(stored)
    lost, foreign = accepted - len(found & set(range(accepted))), len(found - set(range(accepted)))
    if lost or foreign or len(stored) != accepted:
        raise SubjectFailed(
            f"of {accepted} accepted events {lost} are not stored,"
            f" {len(stored) - len(found)} are stored twice, {foreign} were never accepted"
        )


def _check_rollups(here: Stack, accepted: int) -> None:
    counted = here.sql(MONTHS)[0][0]
    if counted != accepted:
        raise SubjectFailed(f"{accepted} events were accepted, their months count {counted}")


def _cpu(ours: Subject, hello: Subject, totals: Totals) -> Figure:
    note = f"{ours.cpu_parts}; {totals.accepted:,} events, each id found once, rollups agree"
    return Figure("G3.cpu", ours.cpu_us, "µs", hello.cpu_us, hello.name, note)
