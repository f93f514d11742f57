"""The state machine: every pair of states, legal or with its reason (A13, B6-B8)."""

import pytest

from apps.tenants import states
from apps.tenants.states import Status
from tenlyr.core.errors import Refused

P, A, S, T = Status.PENDING, Status.ACTIVE, Status.SUSPENDED, Status.TERMINATED
LEGAL = {(A, S), (S, A), (P, T), (A, T), (S, T)}
REFUSED = {
    (P, A): "not_suspended",
    (A, A): "not_suspended",
    (T, A): "already_terminated",
    (P, S): "not_active",
    (S, S): "already_suspended",
    (T, S): "already_terminated",
    (T, T): "already_terminated",
}


def test_the_tables_cover_every_pair() -> None:
    aims = (A, S, T)
    assert LEGAL | set(REFUSED) == {(now, aim) for now in Status for aim in aims}
    assert not LEGAL & set(REFUSED)


@pytest.mark.parametrize(("now", "aim"), sorted(LEGAL))
def test_a_legal_change_passes(now: Status, aim: Status) -> None:
    states.check(now, aim)


@pytest.mark.parametrize(("pair", "code"), sorted(REFUSED.items()))
def test_an_illegal_change_says_why(pair: tuple[Status, Status], code: str) -> None:
    with pytest.raises(Refused) as refused:
        states.check(*pair)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_only_a_terminated_tenant_is_final() -> None:
    for status in (P, A, S):
        states.check_not_terminated(status)
    with pytest.raises(Refused, match="already_terminated"):
        states.check_not_terminated(T)
