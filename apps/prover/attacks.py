"""The attacks on one table, and what became of each. Every one is undone, whatever it did."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import Error as DjangoError
from psycopg import Error as DriverError

from apps.prover import rows

# An attack may wait this long for a lock and run this long: nobody real is kept waiting.
LOCK_MS, STATEMENT_MS = 200, 2_000
BOUNDS = f"SET LOCAL lock_timeout = {LOCK_MS}; SET LOCAL statement_timeout = {STATEMENT_MS}"
# SQLSTATEs of a fence that held: no privilege or a policy's check, a guard's refusal.
HELD = frozenset({"42501", "P0001", "40001", "28000", "0LP01"})
# A constraint is asked after the policies: whoever meets one got through the fence.
CONSTRAINT = "23"
DIVISION_BY_ZERO = "22012"


class Outcome(StrEnum):
    """`unproven` is no verdict: the attack could not be made, or its own row was not seen."""

    REFUSED = "refused"
    NOTHING = "nothing"
    SUCCEEDED = "succeeded"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Prey:
    """One table under attack: `me` attacks, `other` is attacked; both have a row there.

    Plain texts, so that a task can be told of it. `row` is what would be inserted for `other`.
    """

    table: str
    partition: str
    me: str
    other: str
    row: dict[str, str]
    types: dict[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one act; `detail` is the SQLSTATE or the number of rows."""

    act: str
    outcome: Outcome
    detail: str = ""


Statement = tuple[str, list[Any]]
READ = "SELECT count(*) FROM (SELECT 1 FROM {} WHERE tenant_id = %s LIMIT 1) AS seen"
READ_OTHERS = READ.replace("=", "<>")


def _read(prey: Prey) -> Statement:
    return READ.format(prey.table), [prey.other]


def _read_anybody(prey: Prey) -> Statement:
    return READ_OTHERS.format(prey.table), [prey.me]


def _read_partition(prey: Prey) -> Statement:
    return READ.format(prey.partition), [prey.other]


def _side_channel(prey: Prey) -> Statement:
    """An expression that fails on the other's row: seen, if it is evaluated before the fence."""
    trap = "1 / (CASE WHEN tenant_id = %s THEN 0 ELSE 1 END) = 0"
    return f"SELECT count(*) FROM {prey.table} WHERE {trap}", [prey.other]


def _update(prey: Prey) -> Statement:
    statement = f"UPDATE {prey.table} SET tenant_id = %s WHERE tenant_id = %s"
    return statement, [prey.me, prey.other]


def _write(prey: Prey) -> Statement:
    """The attacker's own row made the other's."""
    statement = f"UPDATE {prey.table} SET tenant_id = %s WHERE tenant_id = %s"
    return statement, [prey.other, prey.me]


def _delete(prey: Prey) -> Statement:
    return f"DELETE FROM {prey.table} WHERE tenant_id = %s", [prey.other]


def _insert(prey: Prey) -> Statement:
    return rows.insert(prey.table, prey.row, prey.types)


ACTS: dict[str, Callable[[Prey], Statement]] = {
    "read": _read,
    "readAnybody": _read_anybody,
    "sideChannel": _side_channel,
    "update": _update,
    "write": _write,
    "delete": _delete,
    "insert": _insert,
}


def against(cursor: Any, prey: Prey, *, sees_itself: bool = True) -> list[Result]:
    """Every act on one table, inside the transaction of `cursor`, each undone at once.

    `sees_itself` is the control: where the attacker should see its own row and does not, it proves
    nothing that it sees no other.
    """
    cursor.execute(BOUNDS)
    own = attempt(cursor, "own", *_read_own(prey))
    is_blind = sees_itself and own.outcome is not Outcome.SUCCEEDED
    acts = dict(ACTS)
    if prey.partition:
        acts["readPartition"] = _read_partition
    results = [attempt(cursor, name, *make(prey)) for name, make in acts.items()]
    return [_blind(one, own) if is_blind else one for one in results]


def attempt(cursor: Any, act: str, statement: str, parameters: Any = None) -> Result:
    """One statement behind a savepoint, and what became of it. Raises only if the line is lost."""
    cursor.execute("SAVEPOINT attack")
    try:
        cursor.execute(statement, parameters)
        met = cursor.fetchone()[0] if statement.startswith("SELECT") else cursor.rowcount
        outcome = Outcome.SUCCEEDED if met else Outcome.NOTHING
        result = Result(act, outcome, f"{met} rows")
    except (DjangoError, DriverError) as error:
        result = Result(act, *verdict(state_of(error)))
    cursor.execute("ROLLBACK TO attack")
    return result


def verdict(state: str) -> tuple[Outcome, str]:
    """What an SQLSTATE says of an attack."""
    if state in HELD:
        return Outcome.REFUSED, state
    if state.startswith(CONSTRAINT) or state == DIVISION_BY_ZERO:
        return Outcome.SUCCEEDED, state
    return Outcome.UNPROVEN, state or "no SQLSTATE"


def state_of(error: BaseException) -> str:
    """The SQLSTATE of an error, Django's or the driver's."""
    for one in (error, error.__cause__):
        state = getattr(one, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def _read_own(prey: Prey) -> Statement:
    return READ.format(prey.table), [prey.me]


def _blind(result: Result, own: Result) -> Result:
    if result.outcome is not Outcome.NOTHING:
        return result
    return Result(result.act, Outcome.UNPROVEN, f"own row not seen: {own.detail}")
