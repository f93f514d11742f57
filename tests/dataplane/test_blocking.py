"""Telling a tenant's own database whether the tenant may come in: nobody's word is lost."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction

from apps.dataplane import applying, blocking, places
from apps.dataplane.models import SchemaState
from apps.dataplane.places import Home
from apps.tenants import lifecycle
from tests import cast
from tests.cast import Account, Customer
from tests.core.threads import BOUND_S, closing, until
from tests.dataplane import plane
from tests.dataplane.plane import release, resident


@pytest.fixture(scope="module")
def account(_database: None) -> Account:
    made = cast.workspace()
    release(made)
    return made


def home_of(customer: Customer) -> Home:
    home = places.home_of(customer.id)
    assert home is not None
    return home


def told(customer: Customer) -> tuple[str, bool | None]:
    """What the tenant's own database knows, and what the control plane believes that it knows."""
    home = home_of(customer)
    with connections[home.owner].cursor() as cursor:
        cursor.execute(
            "SELECT state FROM tenlyr_dataplane.place WHERE tenant_id = %s", [customer.id]
        )
        return cursor.fetchone()[0], SchemaState.objects.get(pk=home.schema).is_open


def patient(tell: Callable[[], bool]) -> bool:
    """As a process does it, on a machine that may be slow: without the bounds of the role."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        for bound in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SET LOCAL {bound} = 0")
        return tell()


class Slow:
    """A process that has looked whether the tenant is active, and is slow to say so."""

    def __init__(self, customer: Customer) -> None:
        self._tenant_id, self._alias = customer.id, home_of(customer).owner
        self.is_there, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> bool:
        with connections[self._alias].execute_wrapper(self._wait):
            return blocking.tell(self._tenant_id)

    def _wait(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self.is_there.set()
        assert self.go_on.wait(BOUND_S)
        return execute(*statement)


@contextmanager
def answers_lost(customer: Customer) -> Iterator[None]:
    """What the tenant's own database is told, it does; who told it never hears so."""

    def lose(execute: Callable[..., Any], *statement: Any) -> Any:
        execute(*statement)
        raise OperationalError("the connection was lost")

    with connections[home_of(customer).owner].execute_wrapper(lose):
        yield


def waiting() -> int:
    """Sessions that wait for an advisory lock."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("is_suspended_last", [True, False])
def test_who_looked_earlier_does_not_have_the_last_word(
    account: Account, is_suspended_last: bool
) -> None:
    customer = resident(account)
    suspend = partial(lifecycle.suspend, workspace_id=account.id, tenant_id=customer.id)
    turn = partial(lifecycle.reactivate, workspace_id=account.id, tenant_id=customer.id)
    if is_suspended_last:
        turn = suspend
    else:
        suspend()
        blocking.tell(customer.id)
    slow = Slow(customer)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(closing(patient), slow)
        try:
            assert slow.is_there.wait(BOUND_S)
            turn()
            second = pool.submit(closing(patient), partial(blocking.tell, customer.id))
            until(lambda: waiting() > 0 or second.done())
        finally:
            slow.go_on.set()
        assert first.result(BOUND_S)
        assert second.result(BOUND_S)
    assert told(customer) == (("blocked", False) if is_suspended_last else ("here", True))


def test_what_nobody_knows_to_be_told_is_told_again(account: Account) -> None:
    """A cut between both commits, and then a message that is lost."""
    customer = resident(account)
    lifecycle.suspend(workspace_id=account.id, tenant_id=customer.id)
    with answers_lost(customer), pytest.raises(OperationalError):
        blocking.tell(customer.id)
    assert told(customer) == ("blocked", None)
    lifecycle.reactivate(workspace_id=account.id, tenant_id=customer.id)
    assert blocking.tell_all() >= 1
    assert told(customer) == ("here", True)


def test_a_release_on_its_way_takes_no_word_back(account: Account) -> None:
    """It read the row before the tenant's database was told, and writes it afterwards."""
    customer = resident(account)
    state = SchemaState.objects.get(pk=home_of(customer).schema)
    lifecycle.suspend(workspace_id=account.id, tenant_id=customer.id)
    blocking.tell(customer.id)
    applying.apply(state, 1, using=home_of(customer).owner)
    assert told(customer) == ("blocked", False)


def test_one_that_is_away_does_not_stand_before_the_others(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, there = sorted(
        [resident(account), resident(account)], key=lambda one: home_of(one).schema
    )
    for one in (lost, there):
        lifecycle.suspend(workspace_id=account.id, tenant_id=one.id)
    monkeypatch.setattr(blocking, "MOST_PER_SWEEP", 1)
    with plane.away(lost.id):
        # Other tests may have left some that nobody told.
        until(lambda: bool(blocking.tell_all()) and told(there) == ("blocked", False))
    assert told(lost) == ("here", True)
    until(lambda: bool(blocking.tell_all()) and told(lost) == ("blocked", False))
