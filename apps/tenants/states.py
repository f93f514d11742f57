"""The state machine of a tenant, pure: which change is legal, and what refuses the others (A13)."""

from enum import StrEnum

from apps.tenants import errors
from tenlyr.core.errors import Refused


class Status(StrEnum):
    """Where a tenant is in its life. Only `active` has access to the API."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


# For each aim: the states it is reached from, and what is said to a tenant in another one.
_LEGAL: dict[Status, frozenset[Status]] = {
    Status.ACTIVE: frozenset({Status.SUSPENDED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE}),
    Status.TERMINATED: frozenset({Status.PENDING, Status.ACTIVE, Status.SUSPENDED}),
}
_REFUSED: dict[tuple[Status, Status], type[Refused]] = {
    (Status.ACTIVE, Status.ACTIVE): errors.NotSuspended,
    (Status.PENDING, Status.ACTIVE): errors.NotSuspended,
    (Status.PENDING, Status.SUSPENDED): errors.NotActive,
    (Status.SUSPENDED, Status.SUSPENDED): errors.AlreadySuspended,
}


def check(now: Status, aim: Status) -> None:
    """Raise the 400 that says why `now` cannot become `aim`; nothing for a legal change."""
    if now in _LEGAL[aim]:
        return
    raise _REFUSED.get((now, aim), errors.AlreadyTerminated)()


def check_not_terminated(now: Status) -> None:
    """Raise `AlreadyTerminated` for a tenant whose life is over: nothing of it changes any more."""
    if now is Status.TERMINATED:
        raise errors.AlreadyTerminated()
