"""A writer that gets over a lost connection and asks what became of its last transaction."""

import time
import uuid
from collections.abc import Callable

import psycopg

from apps.isolation.public import Location
from tests.isolation.moves import shop, usage
from tests.isolation.moves.writing import Clerk, Connection

BOUND_S = 60
LOST = (psycopg.OperationalError, psycopg.errors.AdminShutdown)


class Survivor(Clerk):
    """A clerk whose model holds what was committed, although nobody said so."""

    lost = 0
    _mark: tuple[str, str, uuid.UUID] | None = None

    def where(self) -> Location:
        if self._control.closed:
            self._control = usage.control_fleet()
        return super().where()

    def at(self, alias: str) -> Connection:
        known = self._connections.get(alias)
        if known is not None and known.closed:
            del self._connections[alias]
        return super().at(alias)

    def write(self) -> Callable[[], object]:
        self._mark = None
        where = self.where()
        connection = self.at(where.alias)
        with connection.transaction():
            self._mark = (where.alias, self._marking(where), uuid.uuid4())
            connection.execute(self._mark[1], [self._mark[2]])
            self._kept = self.act_at(where)
        return self._kept

    def _marking(self, where: Location) -> str:
        # Not by the transaction's number: after a crash another one may get the same.
        return f"INSERT INTO {shop.schema_at(where)}.done VALUES (%s) ON CONFLICT DO NOTHING"

    def _write_until_it_is_taken(self) -> Callable[[], object]:
        deadline = time.monotonic() + BOUND_S
        while True:
            try:
                return super()._write_until_it_is_taken()
            except LOST:
                self.lost += 1
                if self._was_committed(deadline):
                    return self._kept

    def _was_committed(self, deadline: float) -> bool:
        """Whether the mark of the last transaction is there; one that still runs is waited for."""
        while self._mark is not None:
            assert time.monotonic() < deadline, "nobody tells what became of a transaction"
            alias, marking, mark = self._mark
            try:
                with self.at(alias).transaction(force_rollback=True):
                    return not self.at(alias).execute(marking, [mark]).rowcount
            except LOST:
                time.sleep(0.02)
        assert time.monotonic() < deadline, "no connection comes about"
        time.sleep(0.02)
        return False
