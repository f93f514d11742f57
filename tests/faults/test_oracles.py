"""The oracles find what they are there for: each planted defect breaks its promise and no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import oracles
from tests.faults.ledger import MICRO, Ledger, Sent, State, Verdict
from tests.faults.workload import Customer

TENANT = "01a1fc8e-622c-7bec-9946-cef6959b3b1c"
TABLES = {
    "stored": "tenant, id, ts_ms, month, metric, micro, delta, mode, status_code, is_error,"
    " billable, mark",
    "summed": "tenant, grain, metric, month, count, errors, micro",
    "counter": "tenant, metric, period, micro",
    "shown": "tenant, metric, micro",
    "dead": "shard, entry, reason",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two acknowledged calls of value 3 and 4, a refused and an unknown one; stored as promised."""
    opened = Ledger(tmp_path / "ledger.sqlite")
    opened.begin([event(1, 3), event(2, 4), event(3, 5), event(4, 6, given=None)], at=1.0)
    opened.settle(
        [
            Verdict(1, State.ACKED, "id-1"),
            Verdict(2, State.ACKED, "id-2"),
            Verdict(3, State.REFUSED),
            Verdict(4, State.UNKNOWN),
        ],
        at=2.0,
    )
    (month,) = opened.ask("SELECT strftime('%Y%m', 'now')")[0]
    rows: dict[str, list[tuple[Any, ...]]] = {
        "stored": [stored(1, 3, month), stored(2, 4, month)],
        "summed": [
            (TENANT, grain, "api_call", month, 2, 0, 7 * MICRO)
            for grain in ("minute", "hour", "day", "month")
        ],
        "counter": [(TENANT, "api_call", month, 7 * MICRO)],
        "shown": [(TENANT, "api_call", 7 * MICRO), (TENANT, "seats", 0)],
        "dead": [],
    }
    for table, columns in TABLES.items():
        opened.take_rows(table, columns, rows[table])
    yield opened
    opened.close()


def event(seq: int, value: int, given: str | None = "given") -> Sent:
    """A billable api_call."""
    return Sent(
        seq, TENANT, given, given and f"id-{seq}", "api_call", value * MICRO, None, None, None,
        f"mark-{seq}",
    )  # fmt: skip


def stored(seq: int, value: int, month: str) -> tuple[Any, ...]:
    """Its row."""
    units = value * MICRO
    return (TENANT, f"id-{seq}", 5, month, "api_call", units, units, None, None, 0, 1,
            f"mark-{seq}")  # fmt: skip


def promises(ledger: Ledger, **more: bool) -> set[str]:
    """What is broken."""
    return {violation.promise for violation in oracles.exactly_once(ledger, **more)}


def test_a_run_as_promised_breaks_nothing(ledger: Ledger) -> None:
    assert promises(ledger) == set()


# What is planted, and the promises that it breaks. A row more or less also spoils all sums.
SUMS = {"rollups differ from events", "counters differ from events",
        "usage/metrics differs from events"}  # fmt: skip
COPY = "INSERT INTO stored SELECT tenant, {id}, ts_ms, month, metric, {micro}, {micro}, mode," \
       " status_code, is_error, billable, {mark} FROM stored WHERE mark = 'mark-1'"  # fmt: skip
DEFECTS = [
    ("DELETE FROM stored WHERE mark = 'mark-1'", {"lost"} | SUMS),
    (COPY.format(id="id", micro="micro", mark="mark"), {"doubled"} | SUMS),
    (
        COPY.format(id="'other'", micro="micro", mark="mark"),
        {"doubled", "stored otherwise than sent"} | SUMS,
    ),
    (COPY.format(id="'x'", micro="micro", mark="'x'"), {"stored, yet never sent"} | SUMS),
    (
        COPY.format(id="'id-3'", micro=5 * MICRO, mark="'mark-3'"),
        {"stored, yet refused"} | SUMS,
    ),
    # The unknown one may be stored, but then it must be counted.
    (COPY.format(id="'made'", micro=6 * MICRO, mark="'mark-4'"), SUMS),
    ("UPDATE stored SET micro = micro + 1 WHERE mark = 'mark-1'", {
        "stored otherwise than sent", "counted otherwise than meant"}),
    ("UPDATE stored SET billable = 0 WHERE mark = 'mark-1'", {
        "stored otherwise than sent", "counted otherwise than meant"}),
    ("UPDATE stored SET delta = 0 WHERE mark = 'mark-1'", {"counted otherwise than meant"} | SUMS),
    ("UPDATE summed SET micro = micro + 1 WHERE grain = 'day'", {"rollups differ from events"}),
    ("UPDATE summed SET count = 3 WHERE grain = 'minute'", {"rollups differ from events"}),
    ("UPDATE summed SET errors = 1 WHERE grain = 'hour'", {"rollups differ from events"}),
    ("DELETE FROM summed WHERE grain = 'month'", {"rollups differ from events"}),
    ("UPDATE counter SET micro = micro + 1", {"counters differ from events"}),
    ("DELETE FROM counter", {"counters differ from events"}),
    ("UPDATE shown SET micro = 1 WHERE metric = 'seats'", {"usage/metrics differs from events"}),
    ("INSERT INTO dead VALUES (1, '2-3', 'bad')", {"dead letters"}),
    ("UPDATE sent SET state = 'unknown' WHERE seq = 1", {"unresolved after a minute"}),
]  # fmt: skip


@pytest.mark.parametrize(("planted", "broken"), DEFECTS)
def test_a_planted_defect_is_found(ledger: Ledger, planted: str, broken: set[str]) -> None:
    ledger.ask(planted)
    assert promises(ledger) == broken


def test_an_odd_answer_is_found(ledger: Ledger) -> None:
    ledger.surprise("event 1 was answered 500", at=3.0)
    assert promises(ledger) == {"answers that no fault explains"}


def test_a_refusal_after_an_acknowledgement_is_found(ledger: Ledger) -> None:
    ledger.settle([Verdict(1, State.REFUSED)], at=3.0)
    assert promises(ledger) == {"acknowledged, then refused"}
    assert promises(ledger, was_flushed=True) == set()


def test_only_what_a_flush_took_along_may_be_missing(ledger: Ledger) -> None:
    ledger.ask("DELETE FROM stored WHERE mark = 'mark-1'")
    ledger.lose(["mark-2"])
    assert "lost" in promises(ledger, was_flushed=True)
    ledger.lose(["mark-1"])
    assert "lost" not in promises(ledger, was_flushed=True)


@pytest.mark.parametrize(
    ("limit", "are_full", "broken"),
    [
        (7, True, []),
        (8, False, []),
        (8, True, ["below a limit reached"]),
        (6, False, ["above the limit"]),
    ],
)
def test_limits(ledger: Ledger, limit: int, are_full: bool, broken: list[str]) -> None:
    customers = [Customer(TENANT, "key", limit), Customer("without", "key")]
    found = oracles.limits(ledger, customers, are_full=are_full)
    assert [violation.promise for violation in found] == broken
