"""A stretch of minutes of many tenants, packed as health passes it on (F8)."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from apps.isolation import public as isolation
from apps.metering import outages
from apps.metering import recent as module
from apps.metering.public import Packed, Recent, joined, recent
from tests import cast
from tests.cast import Account, Customer
from tests.metering import second, support

MINUTE = timedelta(minutes=1)
_hours = itertools.count(1)


@pytest.fixture
def hour() -> datetime:
    """A past hour of the test's own."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - timedelta(days=33) + next(_hours) * timedelta(hours=1)


def send(tenant: Customer, at: datetime, count: int, **fields: Any) -> None:
    sent = {**support.CALL, "timestamp": at.isoformat(), **fields}
    support.many(support.caller(tenant), [sent] * count)


def look(hour: datetime, **more: Any) -> Recent:
    """The hour in the shared schema."""
    support.store()
    shared = isolation.shared()
    found = recent("fleet", {shared: []}, since=hour, until=hour + 60 * MINUTE, **more)
    assert found is not None
    return found


def test_nothing_is_empty_arrays(hour: datetime) -> None:
    assert look(hour) == Recent(Packed(), 0, 0, {})
    assert joined([]) == joined([Packed(), Packed()]) == Packed()


def test_packed_and_joined(hour: datetime) -> None:
    one = Packed("{a}", "{3}", "{2}", "{1}", "{3}", "{1.5}", "{NULL}")
    two = Packed("{b,c}", "{4,5}", "{4,5}", "{0,0}", "{4,5}", "{1,2}", "{3,4}")
    assert joined([one, Packed(), two]) == Packed(
        "{a,b,c}", "{3,4,5}", "{2,4,5}", "{1,0,0}", "{3,4,5}", "{1.5,1,2}", "{NULL,3,4}"
    )


def test_what_a_tenant_did(acme: Customer, hour: datetime) -> None:
    support.store()
    send(acme, hour, 3, statusCode=500)
    send(acme, hour + MINUTE, 2, statusCode=404)
    send(acme, hour + 2 * MINUTE, 4, metric="compute")
    found = look(hour)
    assert found.packed == Packed(f"{{{acme.id}}}", "{9}", "{5}", "{3}", "{5}", "{NULL}", "{NULL}")
    assert (found.tenants, found.events) == (1, 9)


@pytest.mark.parametrize(
    ("latencies", "p50", "p95"),
    [
        ([0.5], 0.5, 1.0),  # one in the first place: halfway, and nearly at its end
        ([90_000] * 3, 30_000, 30_000),  # beyond the last bound
        ([15] * 50 + [150] * 50, 20, 190),  # the fiftieth of a hundred ends the place 10 to 20
        ([15] * 10 + [1_500] * 90, 1444.4, 1944.4),
    ],
)
def test_percentiles_lie_where_an_even_spread_puts_them(
    acme: Customer, hour: datetime, latencies: list[float], p50: float, p95: float
) -> None:
    support.store()
    for latency in set(latencies):
        send(acme, hour, latencies.count(latency), latencyMs=latency)
    packed = look(hour).packed
    assert [float(text[1:-1]) for text in (packed.p50_ms, packed.p95_ms)] == [
        pytest.approx(p50, abs=0.11),
        pytest.approx(p95, abs=0.11),
    ]


def test_who_makes_a_fifth_of_all(workspace: Account, hour: datetime) -> None:
    support.store()
    made = [cast.tenant(workspace) for _ in range(3)]
    for tenant, count in zip(made, (79, 20, 1), strict=True):
        send(tenant, hour, count)
    found = look(hour)
    assert found.heavy == {made[0].id: 79, made[1].id: 20}
    assert (found.tenants, found.events) == (3, 100)


def test_who_lives_elsewhere_left_rows(workspace: Account, hour: datetime) -> None:
    support.store()
    stays, left = cast.tenant(workspace), cast.tenant(workspace)
    for tenant in (stays, left):
        send(tenant, hour, 1)
    assert look(hour).tenants == 2
    assert look(hour, but=[left.id]).packed.tenants == f"{{{stays.id}}}"


def test_own_schemas_some_at_a_time(
    workspace: Account, hour: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCHEMAS_A_STATEMENT", 2)
    support.store()
    made = [cast.tenant(workspace, isolation_level="dedicated_schema") for _ in range(3)]
    for tenant, count in zip(made, (30, 5, 65), strict=True):
        send(tenant, hour, count)
    support.store()
    places = isolation.group([tenant.id for tenant in made])
    found = recent("fleet", places, since=hour, until=hour + MINUTE)
    assert found is not None
    assert (found.tenants, found.events) == (3, 100)
    assert found.heavy == {made[0].id: 30, made[2].id: 65}
    assert found.packed.tenants.count(",") == 2


def test_a_database_that_is_away_is_none_and_is_asked_again(
    initech: Customer, database: str, hour: datetime
) -> None:
    support.store()
    send(initech, hour, 4)
    support.store()
    places = isolation.group([initech.id])
    ((place, _),) = places.items()

    def ask() -> Recent | None:
        return recent(place.fleet_alias, places, since=hour, until=hour + MINUTE)

    with second.away(database):
        assert ask() is None
    found = ask()
    assert found is not None
    assert found.events == 4
    assert not outages.is_away(place.fleet_alias)


def test_trouble_with_the_control_planes_own_is_raised(hour: datetime) -> None:
    nowhere = isolation.Location(0, "default", "t_" + "0" * 32)
    with pytest.raises(Exception, match="does not exist") as caught:
        recent("fleet", {nowhere: []}, since=hour, until=hour + MINUTE)
    assert not isinstance(caught.value, OperationalError)
