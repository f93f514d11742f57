"""A stretch of minutes of many tenants at once, packed: what health looks at (F8, G10).

Nothing is unpacked here nor by whoever asks: a scan of 10,000 tenants passes a handful of texts
from one statement to the next.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import outages
from apps.metering.inserting import LATENCY_BOUNDS_MS
from tenlyr.core.metrics import Metric

# A database that froze holds up a scan no longer than this.
WITHIN_S = 5.0
SCHEMAS_A_STATEMENT = 100
PLACES = range(1, len(LATENCY_BOUNDS_MS) + 2)
EMPTY = "{}"
HEAVY_SHARE = 0.2

COLUMNS = "tenant_id, minute, metric, count, errors, known, latency_count, latencies"
INSIDE = "minute >= %(since)s AND minute < %(until)s"
WHOLE = f"""
SELECT {COLUMNS} FROM {{schema}}.usage_minute
WHERE {INSIDE} AND tenant_id <> ALL (%(others)s::uuid[])"""
# Where few tenants live their key finds the minutes.
SOME = f"""
SELECT {COLUMNS} FROM {{schema}}.usage_minute
WHERE {INSIDE} AND tenant_id = ANY (%(residents)s::uuid[])"""

SUMS = ", ".join(f"sum(latencies[{n}]::float8) AS n{n}" for n in PLACES)
# Running totals, from every fifth one on: from the beginning they would be twice the work.
STRIDE = 5
BASES = ", ".join(
    f"{' + '.join(f'n{below}' for below in range(1, n + 1))} AS upto{n}"
    for n in PLACES[4:-1:STRIDE]
)


def _up_to(place: int) -> str:
    done = (place - 1) // STRIDE * STRIDE
    base = [f"upto{done}"] if done else []
    return " + ".join([*base, *(f"n{below}" for below in range(done + 1, place + 1))])


UP_TO = ", ".join(_up_to(place) for place in PLACES)
# Where each place of the histogram begins and, one further, ends; the last one has no end.
EDGES = ", ".join(str(edge) for edge in (0.0, *LATENCY_BOUNDS_MS, LATENCY_BOUNDS_MS[-1]))
# In floats: sums of bigint are numeric, which costs twice as much.
PACKED = f"""
WITH sums AS MATERIALIZED (
    SELECT tenant_id, sum(count::float8) AS events, sum(known::float8) AS known,
           sum(errors::float8) AS errors,
           coalesce(sum(count::float8) FILTER (WHERE metric = '{Metric.API_CALL}'), 0) AS requests,
           sum(latency_count::float8) AS latencies, {SUMS}
    FROM ({{rows}}) AS minutes GROUP BY tenant_id
),
bases AS (
    SELECT *, {BASES} FROM sums OFFSET 0
),
ranks AS (
    SELECT tenant_id, events, known, errors, requests,
           CASE WHEN latencies > 0 THEN ARRAY[{UP_TO}] END AS up_to,
           0.5 * latencies - 0.000001 AS median, 0.95 * latencies - 0.000001 AS high
    FROM bases OFFSET 0
),
places AS (
    SELECT *, width_bucket(median, up_to) AS of_median, width_bucket(high, up_to) AS of_high
    FROM ranks OFFSET 0
),
found AS (
    SELECT tenant_id, events, known, errors, requests,
           {{median}} AS p50_ms, {{high}} AS p95_ms
    FROM places, (SELECT ARRAY[{EDGES}]::float8[] AS edges OFFSET 0) AS bounds
)
SELECT array_agg(tenant_id)::text, array_agg(events)::text, array_agg(known)::text,
       array_agg(errors)::text, array_agg(requests)::text, array_agg(p50_ms)::text,
       array_agg(p95_ms)::text,
       count(*), coalesce(sum(events), 0)::bigint,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(tenant_id, events)), '[]')::text FROM sums
        WHERE events >= {HEAVY_SHARE} * (SELECT sum(events) FROM sums))
FROM found
"""
# Within its place of the histogram a rank lies where an even spread would put it.
AT_RANK = (
    "round(10 * (edges[{place} + 1] + (edges[{place} + 2] - edges[{place} + 1])"
    " * ({rank} - coalesce(up_to[{place}], 0))"
    " / (up_to[{place} + 1] - coalesce(up_to[{place}], 0)))) / 10"
)


@dataclass(frozen=True, slots=True)
class Packed:
    """Tenants and their numbers: array literals of Postgres', all in one order.

    `events` counts all, `known` those that say whether they failed, `errors` those that did,
    `requests` calls of the tenant's API (events of the metric `api_call`); `p50_ms` and `p95_ms`
    are NULL where no event had a latency. `tenants` are UUIDs, the others numbers.
    """

    tenants: str = EMPTY
    events: str = EMPTY
    known: str = EMPTY
    errors: str = EMPTY
    requests: str = EMPTY
    p50_ms: str = EMPTY
    p95_ms: str = EMPTY


@dataclass(frozen=True, slots=True)
class Recent:
    """What happened in one database: all tenants packed, how many they are, all their events, and
    of those that made a fifth of these or more, how many each.
    """

    packed: Packed
    tenants: int
    events: int
    heavy: dict[UUID, int]


def joined(parts: Iterable[Packed]) -> Packed:
    """Several as one."""
    columns = zip(*(astuple(part) for part in parts if part.tenants != EMPTY), strict=True)
    return Packed(*(f"{{{','.join(text[1:-1] for text in column)}}}" for column in columns))


def recent(
    fleet_alias: str,
    places: Mapping[Location, Sequence[UUID]],
    *,
    since: datetime,
    until: datetime,
    but: Sequence[UUID] = (),
) -> Recent | None:
    """What happened in one database from the minute `since` on and before `until`.

    `places` are Locations there, each with its residents; one without any named is looked at as a
    whole, `but` for those tenants, who live elsewhere now and left rows. None when the database is
    away: it is tried each time, and does not answer within seconds. Trouble with the control
    plane's own is raised.
    """
    with outages.noted(fleet_alias):
        with isolation.database_fleet(fleet_alias, within_s=WITHIN_S) as connection:
            window = {"since": since, "until": until, "others": list(but)}
            parts = [
                _read(connection, query, {**window, **named}) for query, named in _queries(places)
            ]
        outages.over(fleet_alias)
        return _together(parts)
    return None


def _together(parts: Sequence[Recent]) -> Recent:
    events = sum(part.events for part in parts)
    heavy = {one: count for part in parts for one, count in part.heavy.items()}
    return Recent(
        joined(part.packed for part in parts),
        sum(part.tenants for part in parts),
        events,
        {one: count for one, count in heavy.items() if count >= HEAVY_SHARE * events},
    )


def _read(connection: Any, rows: sql.Composable, named: dict[str, Any]) -> Recent:
    query = sql.SQL(PACKED).format(
        rows=rows,
        median=sql.SQL(AT_RANK.format(place="of_median", rank="median")),
        high=sql.SQL(AT_RANK.format(place="of_high", rank="high")),
    )
    with connection.cursor() as cursor:
        cursor.execute(query, named)
        *packed, tenants, events, heavy = cursor.fetchone()
    found = {UUID(one): int(count) for one, count in json.loads(heavy)}
    return Recent(Packed(*(part or EMPTY for part in packed)), tenants, events, found)


def _queries(
    places: Mapping[Location, Sequence[UUID]],
) -> Iterator[tuple[sql.Composable, dict[str, Any]]]:
    """The rows of each Location that is looked at as a whole, and of a hundred others together."""
    own = [(place, living) for place, living in places.items() if living]
    for place, living in places.items():
        if not living:
            yield _rows(WHOLE, place), {}
    for start in range(0, len(own), SCHEMAS_A_STATEMENT):
        batch = own[start : start + SCHEMAS_A_STATEMENT]
        rows = sql.SQL(" UNION ALL ").join(_rows(SOME, place) for place, _ in batch)
        yield rows, {"residents": [one for _, living in batch for one in living]}


def _rows(text: str, place: Location) -> sql.Composed:
    return sql.SQL(text).format(schema=sql.Identifier(place.schema))
