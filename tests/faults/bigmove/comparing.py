"""What is at a place beside what must be there: every row and every event, nothing sampled."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from tests.faults.bigmove.events import TRACKED, Events
from tests.faults.bigmove.shop import READS, Model, Row

SHOWN = 5
EVENTS = """
COPY (SELECT id, (extract(epoch FROM ts) * 1000)::bigint, metric, (value * 1000000)::bigint,
             (delta * 1000000)::bigint, status_code, endpoint
      FROM {schema}.usage_event WHERE tenant_id = %s) TO STDOUT
"""
# What each grain of the rollups says of the tenant, beside the events themselves.
GRAINS = """
SELECT metric, month, array_agg(DISTINCT (count, errors, micro)::text), count(*)
FROM (
    SELECT 'event' AS grain, metric, to_char(ts AT TIME ZONE 'UTC', 'YYYYMM') AS month,
           count(*) AS count, count(*) FILTER (WHERE status_code >= 500) AS errors,
           (sum(delta) * 1000000)::bigint AS micro
    FROM {schema}.usage_event WHERE tenant_id = %(tenant)s GROUP BY 1, 2, 3
    UNION ALL
    SELECT grain, metric, to_char(start AT TIME ZONE 'UTC', 'YYYYMM'), sum(count)::bigint,
           sum(errors)::bigint, (sum(value) * 1000000)::bigint
    FROM {schema}.usage_rollup WHERE tenant_id = %(tenant)s GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'minute', metric, to_char(minute AT TIME ZONE 'UTC', 'YYYYMM'), sum(count)::bigint,
           sum(errors)::bigint, (sum(value) * 1000000)::bigint
    FROM {schema}.usage_minute WHERE tenant_id = %(tenant)s GROUP BY 1, 2, 3
) AS every GROUP BY 1, 2
HAVING count(*) <> 5 OR count(DISTINCT (count, errors, micro)) <> 1
"""


@dataclass
class Difference:
    """Of one table: how many rows there are and must be, and how many differ, with examples."""

    table: str
    found: int = 0
    expected: int = 0
    differing: int = 0
    digests: tuple[str, str] = ("", "")
    examples: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Count a row that is not as it must be."""
        self.differing += 1
        if len(self.examples) < SHOWN:
            self.examples.append(what)

    @property
    def is_equal(self) -> bool:
        """Whether counts and digests are the model's, and no row differs."""
        same = self.found == self.expected and self.digests[0] == self.digests[1]
        return same and not self.differing


def tables(link: Any, model: Model) -> list[Difference]:
    """The operator's tables as the tenant's own login reads them."""
    return [compare(table, _read(link, query), model.rows(table)) for table, query in READS.items()]


def compare(table: str, found: Iterator[Row], expected: Iterator[Row]) -> Difference:
    """Rows beside rows, both in the same order."""
    seen = Difference(table)
    here, there = hashlib.sha256(), hashlib.sha256()
    for row, wanted in zip_longest(found, expected):
        if row is not None:
            seen.found += 1
            here.update(repr(row).encode())
        if wanted is not None:
            seen.expected += 1
            there.update(repr(wanted).encode())
        if row != wanted:
            seen.note(f"{row} instead of {wanted}")
    seen.digests = here.hexdigest(), there.hexdigest()
    return seen


def _read(link: Any, query: str) -> Iterator[Row]:
    with link.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        yield from copy.rows()


def usage(
    db: Any, schema: str, tenant: str, events: Events, filled: int, tracked: set[int]
) -> Difference:
    """The events at a place, by their ids: those filled in, and those tracked during the moves."""
    with db.cursor() as cursor, cursor.copy(EVENTS.format(schema=schema), [tenant]) as copy:
        return compare_events(copy.rows(), events, filled, tracked)


def compare_events(
    rows: Iterable[Row], events: Events, filled: int, tracked: set[int]
) -> Difference:
    """Each of the events 0 to `filled`, and of the `tracked` ones, must be there once, as sent."""
    seen = Difference("usage_event", expected=filled + len(tracked))
    wanted = {TRACKED + number for number in tracked}
    present, late = bytearray(filled), set[int]()
    for event_id, ms, *values in rows:
        seen.found += 1
        number = events.number(str(event_id))
        is_early = 0 <= number < filled
        if not is_early and number not in wanted:
            seen.note(f"{event_id} was not sent, or not accepted")
            continue
        if present[number] if is_early else number in late:
            seen.note(f"{event_id} is there twice")
        elif tuple(values) != events.row(number):
            seen.note(f"{event_id} differs: {values}")
        elif is_early and events.at_ms(number) != int(ms or 0):
            seen.note(f"{event_id} is of another time: {ms}")
        if is_early:
            present[number] = 1
        else:
            late.add(number)
    for _ in range(filled - sum(present) + len(wanted) - len(late)):
        seen.note("an event is lost")
    return seen


def grains(db: Any, schema: str, tenant: str) -> Difference:
    """The rollups of a place: each grain must say of each metric and month what the events say."""
    seen = Difference("usage rollups")
    for row in db.execute(GRAINS.format(schema=schema), {"tenant": tenant}).fetchall():
        seen.note(str(row))
    return seen
