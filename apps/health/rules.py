"""The documented bounds, as expressions of Postgres': they judge a whole fleet in one statement
(A23, X5, X37).
"""

from apps.health.statuses import Status

# In percent, compared as shown: with one decimal, so that 10.04 is 10.0 and no emergency.
CRITICAL_ABOVE = 10
WARNING_FROM = 3

# Worst last.
ORDER = tuple(Status)


def error_rate(errors: str, known: str) -> str:
    """The share of `errors` in percent with one decimal; NULL where no event said whether it
    failed.
    """
    return f"CASE WHEN {known} > 0 THEN round((100 * {errors} / {known})::numeric, 1) END"


def status(rate: str) -> str:
    """What an error rate means; `unknown` without one, never `healthy`."""
    return (
        f"CASE WHEN {rate} IS NULL THEN '{Status.UNKNOWN}'"
        f" WHEN {rate} > {CRITICAL_ABOVE} THEN '{Status.CRITICAL}'"
        f" WHEN {rate} >= {WARNING_FROM} THEN '{Status.WARNING}'"
        f" ELSE '{Status.HEALTHY}' END"
    )


def rank(name: str) -> str:
    """How bad a status is, as a number."""
    places = ", ".join(f"'{one}'" for one in ORDER)
    return f"array_position(ARRAY[{places}], {name}::text)"
