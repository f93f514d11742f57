"""A long transaction holds an operator's table where the move needs it: others' writes are not
queued up behind the move, and it ends well once the transaction has ended (R18).
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.isolation import models
from apps.isolation.moves import links, running
from apps.isolation.moves.journey import Journey
from apps.isolation.public import Level
from tests.core.threads import until
from tests.isolation.moves import shop
from tests.isolation.moves.scene import Mover
from tests.isolation.moves.writing import Clerk

WRITES = 30
HOLDS = {
    # One that nobody else knows of: the clerk may write any other, and must not wait for it.
    "a row of the tenant": "INSERT INTO {t} (tenant_id, name, at, body)"
    " VALUES ('{tenant}', 'held', now(), '')",
    "the table": "LOCK TABLE {t} IN ROW EXCLUSIVE MODE",
}


class Holder:
    """A transaction that holds something of the table until it is told to end."""

    def __init__(self, tenant: Mover, hold: str) -> None:
        self._connection = links.fleet(tenant.location)
        self._connection.execute("SET application_name = 'shop'")
        self._connection.autocommit = False
        table = f"{shop.schema_at(tenant.location)}.document"
        self._statement = hold.format(t=table, tenant=tenant.id)

    def begin(self, *_: Any) -> None:
        self._connection.execute(self._statement)

    def end(self) -> None:
        self._connection.rollback()
        self._connection.close()


def moved_beside(tenant: Mover, holder: Holder, clerk: Clerk, waits_at: str) -> models.Move:
    """Move the tenant in another thread; the holder ends when the move has waited for it while the
    clerk wrote on.
    """
    begun = tenant.start(Level.DEDICATED_SCHEMA)
    done = threading.Event()

    def run() -> None:
        try:
            running.run_move(begun.id)
        finally:
            connections.close_all()
            done.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: models.Move.objects.get(pk=begun.id).step == waits_at or done.is_set())
        written = len(clerk.waits_ms)
        until(lambda: len(clerk.waits_ms) >= written + WRITES or bool(clerk.errors))
        # It is where it was: it waits, and the writes went on beside it.
        assert models.Move.objects.get(pk=begun.id).step == waits_at
    finally:
        holder.end()
        thread.join()
    begun.refresh_from_db()
    return begun


@pytest.mark.parametrize("hold", HOLDS)
def test_at_the_start_of_the_capture(tenant: Mover, hold: str) -> None:
    holder = Holder(tenant, HOLDS[hold])
    with Clerk(tenant.id, tenant.location) as clerk:
        holder.begin()
        move = moved_beside(tenant, holder, clerk, "prepare")
    assert (move.status, move.error, clerk.errors) == ("completed", "", [])
    assert clerk.differences(tenant.location) == {}


def test_at_the_fence(tenant: Mover, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wrote a row of the tenant, and so shares the lock that the fence wants alone."""
    holder = Holder(tenant, HOLDS["a row of the tenant"])
    flip: Callable[[Journey], None] = running.STEPS["flip"]

    def held(journey: Journey) -> None:
        holder.begin()
        flip(journey)

    monkeypatch.setitem(running.STEPS, "flip", held)
    with Clerk(tenant.id, tenant.location) as clerk:
        move = moved_beside(tenant, holder, clerk, "verify")
    assert (move.status, move.error, clerk.errors) == ("completed", "", [])
    assert move.detail["fences"] > 1
    assert clerk.differences(tenant.location) == {}
