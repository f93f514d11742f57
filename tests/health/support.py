"""What health's tests share: events of a moment of one's own, scans, and what came of them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.health import changing, scanning
from apps.health.models import Current, Progress
from apps.health.public import Health, statuses
from apps.webhooks.models import OutboxEvent
from tests.cast import Customer
from tests.metering import support as metering

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
_hours = itertools.count(24)


def quiet_hour() -> datetime:
    """The beginning of a past hour in which no other test sends anything."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    # Every other one: a test may send in the hour after its own.
    return now - 2 * next(_hours) * HOUR


def event(at: datetime, **fields: Any) -> dict[str, Any]:
    """A call of the tenant's API at a moment; 200 unless told otherwise."""
    return {
        "metric": "api_call", "value": 1, "statusCode": 200,
        "timestamp": at.isoformat(), **fields,
    }  # fmt: skip


def send(tenant: Customer, *events: dict[str, Any]) -> None:
    """Let the tenant track them, and store what is admitted."""
    caller = metering.caller(tenant)
    for start in range(0, len(events), 1000):
        answer = metering.many(caller, events[start : start + 1000])
        assert answer["accepted"] == len(answer["results"]), answer
    metering.store()


def calls(at: datetime, count: int, errors: int = 0, **fields: Any) -> list[dict[str, Any]]:
    """So many calls at one moment, of which some failed."""
    return [
        event(at, **{"statusCode": 500 if number < errors else 200, **fields})
        for number in range(count)
    ]


def scan(now: datetime) -> scanning.Scanned:
    """A scan as of a moment, whatever was looked at before."""
    Progress.objects.update(scanned_at=None)
    done = scanning.scan(now)
    assert done is not None
    return done


def health(tenant: Customer) -> Health:
    """How the tenant is."""
    return statuses([tenant.id])[tenant.id]


def told(tenant: Customer) -> list[tuple[str, dict[str, Any]]]:
    """The events of health that the tenant's operator was told, oldest first."""
    rows = OutboxEvent.objects.filter(tenant_id=tenant.id, type__startswith="health.")
    return [(row.type, row.data) for row in rows.order_by("created_at", "id")]


def kinds(tenant: Customer) -> list[str]:
    """Their types alone."""
    return [kind for kind, _ in told(tenant)]


def current(tenant: Customer) -> Current:
    """The tenant's row."""
    return Current.objects.get(pk=tenant.id)


class Killed(BaseException):
    """A worker's end: nothing catches it, the transaction at hand is rolled back."""


@contextmanager
def killed_after(writes: int, monkeypatch: Any) -> Iterator[None]:
    """The worker dies when that many transactions of changes have been written, inside the next."""
    write, counted = changing._write, itertools.count()

    def dying(*given: Any) -> None:
        write(*given)
        if next(counted) == writes:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(changing, "_write", dying)
        yield
