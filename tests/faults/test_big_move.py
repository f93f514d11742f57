"""Done 1 of the moves in short: exactness and no refusal. `python -m tests.faults.bigmove` is the
long form, which judges times as well (A19-A22, B17, F70).
"""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.bigmove import comparing, shop
from tests.faults.bigmove.events import TRACKED, Events
from tests.faults.bigmove.scene import CLERKS, Scene, Size

ANEW = ("refused with 40001, then repeated", "connections ended, then made anew")


@pytest.mark.timeout(600)
def test_a_tenant_that_works_moves_up_twice_with_every_row(tmp_path: Path) -> None:
    size = Size(events=5_000, rows=2_000, tracks_s=50)
    # So that the worker's time is the move's: nobody else will want a schema.
    outcome = Scene(tmp_path, size, lambda _: None, TENLYR_WARM_SCHEMAS="1").play()
    assert outcome.broken == []
    assert [move.record["fromLevel"] for move in outcome.moves] == [
        "shared_schema",
        "dedicated_schema",
    ]
    assert {one.table for one in outcome.differences if one.found} == {
        "customers",
        "invoices",
        "lines",
        "usage_event",
    }
    # The moves were felt, or this showed nothing.
    told, ended = (outcome.facts[name] for name in ANEW)
    assert told + ended >= CLERKS
    assert set(outcome.acts) == {"insert", "update", "delete"}
    assert outcome.tracked.sent > 0


PREFIX = "01900000-0000-7000-8000-"
EVENTS = Events(PREFIX, 1_800_000_000_000)


def model() -> shop.Model:
    """Two customers and three invoices, of which one has a line."""
    made = shop.Model(PREFIX, ids={0: 7, 1: 8, 5: 9}, lines={5: 1})
    made.customers, made.invoices = {0: 0, 1: 2}, {0: 0, 1: 3, 5: 0}
    return made


@pytest.mark.parametrize("table", shop.READS)
def test_the_model_is_equal_to_itself(table: str) -> None:
    found = comparing.compare(table, model().rows(table), model().rows(table))
    assert found.is_equal
    assert found.found == found.expected == len(getattr(model(), table))


@pytest.mark.parametrize("table", shop.READS)
@pytest.mark.parametrize("planted", ["lost", "of before", "doubled"])
def test_a_row_that_is_not_as_it_must_be_is_seen(table: str, planted: str) -> None:
    rows = list(model().rows(table))
    other = model()
    versions = getattr(other, table)
    versions[max(versions)] += 1
    there = {"lost": rows[:-1], "of before": list(other.rows(table)), "doubled": [*rows, rows[-1]]}
    found = comparing.compare(table, iter(there[planted]), iter(rows))
    assert not found.is_equal
    assert found.differing == 1
    assert found.digests[0] != found.digests[1]


def stored(number: int) -> shop.Row:
    """An event as it must lie in the table; of the tracked ones only the server knows the time."""
    moment = EVENTS.at_ms(number)
    return EVENTS.id(number), str(moment or 0), *EVENTS.row(number)


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (lambda rows: rows[:-1], "lost"),
        (lambda rows: rows[1:], "lost"),
        (lambda rows: [*rows, rows[0]], "twice"),
        (lambda rows: [*rows, rows[-1]], "twice"),
        (lambda rows: [*rows, stored(10)], "not sent"),
        (lambda rows: [*rows, stored(TRACKED + 10)], "not sent"),
        (lambda rows: [*rows, ("another", "0", "", "", "", "", "")], "not sent"),
        (lambda rows: [(*rows[0][:3], "2000000", *rows[0][4:]), *rows[1:]], "differs"),
        (lambda rows: [(rows[0][0], "0", *rows[0][2:]), *rows[1:]], "another time"),
    ],
)
def test_an_event_that_is_not_as_it_was_sent_is_seen(planted: Any, said: str) -> None:
    rows = [stored(number) for number in (*range(10), TRACKED, TRACKED + 1)]
    assert comparing.compare_events(rows, EVENTS, 10, {0, 1}).is_equal
    found = comparing.compare_events(planted(rows), EVENTS, 10, {0, 1})
    assert not found.is_equal
    assert found.differing == 1
    assert said in found.examples[0]
