"""The documented bounds, judged where the scan judges them: in Postgres (A23, X5, X37)."""

from typing import Any

import pytest
from django.db import connection

from apps.health import rules
from apps.health.statuses import AT_RISK, Health, Status
from tenlyr.core import ids


def judged(errors: int, known: int) -> tuple[float | None, str]:
    """The rate that is shown, and the status."""
    rate = rules.error_rate("%(errors)s::float8", "%(known)s::float8")
    named: dict[str, Any] = {"errors": errors, "known": known}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT r, {rules.status('r')} FROM (SELECT {rate}) AS x (r)", named)
        shown, status = cursor.fetchone()
    return None if shown is None else float(shown), status


@pytest.mark.parametrize(
    ("errors", "of", "shown", "status"),
    [
        (0, 1, 0.0, "healthy"),
        (29, 1000, 2.9, "healthy"),
        (294, 10_000, 2.9, "healthy"),
        (295, 10_000, 3.0, "warning"),
        (3, 100, 3.0, "warning"),
        (5, 100, 5.0, "warning"),
        (10, 100, 10.0, "warning"),
        # Judged as shown: nobody sees "10.0 %" and "critical" side by side.
        (1004, 10_000, 10.0, "warning"),
        (1005, 10_000, 10.1, "critical"),
        (101, 1000, 10.1, "critical"),
        (12, 100, 12.0, "critical"),
        (1, 1, 100.0, "critical"),
        (10**12, 3 * 10**12, 33.3, "critical"),
    ],
)
def test_the_bounds(errors: int, of: int, shown: float, status: str) -> None:
    assert judged(errors, of) == (shown, status)


def test_without_a_word_of_failure_nothing_is_known() -> None:
    assert judged(0, 0) == (None, "unknown")


def test_at_risk_is_who_is_in_warning_or_worse() -> None:
    assert {Status.WARNING, Status.CRITICAL} == AT_RISK
    risks = {status: Health(ids.uuid7(), status).sla_risk for status in Status}
    assert [risks[status] for status in rules.ORDER] == [False, False, True, True]


def test_the_ranks_are_those_of_the_list() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {rules.rank('s')} FROM unnest(%s::text[]) AS x (s)", [list(Status)])
        assert [rank for (rank,) in cursor.fetchall()] == [1, 2, 3, 4]
    assert rules.ORDER[-1] is Status.CRITICAL
