"""A tenant held still: while it is, no consumer writes its rows, here or in another database.

The hold is the lock of the tenant's shard, on a connection that nothing else uses. A consumer
that lost that lock without knowing is kept out of the tenant's database by a newer token.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections
from psycopg import errors as postgres

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import elsewhere
from apps.metering.elsewhere import Told
from apps.metering.outages import HERE
from apps.metering.stream import Mark
from tenlyr.core import redis


class Busy(Exception):
    """The lock was not had in time, or the store has yet to tell what it did before."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An open hold. Its methods raise `DatabaseError` when the lock was lost with its
    connection.
    """

    shard: int
    cursor: Any
    deadline: float

    def mark(self) -> Mark:
        """How far the shard is stored, in the words of the control plane."""
        self.cursor.execute(
            "SELECT epoch, last_ms, last_seq FROM public.metering_shard WHERE shard = %s",
            [self.shard],
        )
        epoch, ms, seq = self.cursor.fetchone()
        return Mark(self.shard, epoch, (ms, seq))

    def fence(self, place: Location) -> None:
        """Keep all who held the shard before out of the place's database. Raises `Busy`."""
        if place.fleet_alias == HERE:
            return
        token = elsewhere.token(self.cursor)
        with _own(place.fleet_alias, self.deadline) as connection, connection.cursor() as cursor:
            try:
                with _in_time():
                    told = elsewhere.lock(cursor, [self.shard], token)[self.shard]
            except elsewhere.Fenced as error:
                elsewhere.pass_by(self.cursor, error)
                raise Busy(f"{place.alias}: {error}") from error
            self._check(told, place)
            cursor.execute(
                "UPDATE public.metering_shard SET fence = %s WHERE shard = %s",
                [token, self.shard],
            )
            connection.commit()

    def _check(self, told: Told, place: Location) -> None:
        """Entries that only the other database knows as stored would be stored at the new place
        again, or be skipped there.
        """
        if told.is_ahead_of(self.mark()):
            raise Busy(f"{place.alias} has stored entries that the control plane does not know of")


@contextmanager
def held(tenant_id: UUID, *, wait_s: float) -> Iterator[Hold]:
    """Hold the tenant still where it lives; raises `Busy` when that is not had in time."""
    shard = redis.shard_of(tenant_id)
    deadline = time.monotonic() + wait_s
    with _own(HERE, deadline) as connection, connection.cursor() as cursor:
        with _in_time():
            cursor.execute(
                "SELECT 1 FROM public.metering_shard WHERE shard = %s FOR UPDATE", [shard]
            )
        hold = Hold(shard, cursor, deadline)
        for place in isolation.group([tenant_id]):
            hold.fence(place)
        yield hold


@contextmanager
def _own(alias: str, deadline: float) -> Iterator[Any]:
    """A connection of its own in a transaction, which waits for locks until the deadline only.

    What is not committed is rolled back.
    """
    connection: Any = connections.create_connection(alias)
    left_ms = max(1, round((deadline - time.monotonic()) * 1000))
    try:
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(left_ms)])
        yield connection
    finally:
        connection.close()


@contextmanager
def _in_time() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if isinstance(error.__cause__, postgres.LockNotAvailable):
            raise Busy("others hold the lock of the shard") from error
        raise
