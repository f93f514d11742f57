"""Months of the history: made before they are needed, dropped as a whole (issue: retention)."""

from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from apps.health import looking, partitions
from apps.health.models import History
from tenlyr.core import ids
from tests.core import threads

LONG_AGO = datetime(2001, 5, 31, 23, 59, 59, tzinfo=UTC)


def months() -> list[date]:
    return list(partitions._months())


def keep(at: datetime) -> History:
    return History.objects.create(
        tenant_id=ids.uuid7(), at=at, kind="hour", workspace_id=ids.uuid7(), status="healthy"
    )


def test_the_month_before_the_present_and_the_next() -> None:
    partitions.ensure(LONG_AGO)
    assert [one for one in months() if one.year == 2001] == [
        date(2001, 4, 1),
        date(2001, 5, 1),
        date(2001, 6, 1),
    ]
    assert partitions.ensure(LONG_AGO) == 0
    row = keep(LONG_AGO)
    assert History.objects.get(tenant_id=row.tenant_id).at == LONG_AGO
    partitions.drop_expired(looking.present())


def test_years_turn() -> None:
    partitions.ensure(datetime(2002, 12, 31, tzinfo=UTC))
    made = [one for one in months() if one.year in (2002, 2003)]
    assert made == [date(2002, 11, 1), date(2002, 12, 1), date(2003, 1, 1)]
    partitions.drop_expired(looking.present())


def test_what_retention_no_longer_covers_goes_as_a_whole() -> None:
    now = looking.present()
    partitions.ensure(now)
    kept = months()
    partitions.ensure(LONG_AGO)
    old = keep(LONG_AGO)
    assert partitions.drop_expired(now) == 3
    assert months() == [one for one in kept if one.year > 2001]
    assert not History.objects.filter(tenant_id=old.tenant_id).exists()
    assert partitions.drop_expired(now) == 0


@pytest.mark.parametrize(("kept", "gone"), [(1, 2), (3, 0)])
def test_the_setting_counts_months(kept: int, gone: int) -> None:
    """With one, the month before the present one is whole; what lies before that goes."""
    now = datetime(2003, 8, 15, tzinfo=UTC)
    partitions.ensure(datetime(2003, 6, 15, tzinfo=UTC))
    partitions.ensure(now)
    with override_settings(HEALTH_RETENTION_MONTHS=kept):
        partitions.drop_expired(now)
    found = [one.month for one in months() if one.year == 2003]
    assert found == [5, 6, 7, 8, 9][gone:]
    partitions.drop_expired(looking.present())


def test_the_present_month_cannot_be_dropped() -> None:
    this = partitions.month(looking.present())
    partitions.ensure(looking.present())
    for first in (this, this.replace(day=2)):
        with (
            pytest.raises(DatabaseError, match="not a past month"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT health_drop_partition(%s)", [first])
    assert this in months()


def test_three_who_make_a_month_at_once() -> None:
    made = threads.together([lambda: partitions.ensure(datetime(2004, 2, 2, tzinfo=UTC))] * 3)
    assert sum(made) == 3
    partitions.drop_expired(looking.present())
