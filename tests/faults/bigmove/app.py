"""The operator's app, speaking for one tenant in SQL: it connects anew when it is told to."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.faults.calls import Connection

PATIENCE_S = 60.0
BACK_OFF_S = 0.005
Statement = tuple[str, Sequence[Any]]


class Lost(Exception):
    """A row that the model has was not there to be written."""


@dataclass(frozen=True, slots=True)
class Act:
    """One transaction. Its last statement answers a row, whose first value `keep` brings into the
    model; `done` answers the same of one whose commit was not answered, or nothing.
    """

    name: str
    steps: list[Statement]
    done: Statement
    keep: Callable[[Any], None]


class App:
    """One connection with a login of its own."""

    def __init__(self, port: int, key: str) -> None:
        self._http, self._key = Connection(port, timeout_s=30), key
        made = self._http.post("/api/v1/isolation/connection/credentials", {}, key=key)
        if made.status != 201:
            raise RuntimeError(f"no credentials: {made}")
        self._http.close()
        self.login = {"user": made.body["role"], "password": made.body["password"]}
        self._link: psycopg.Connection[Any] | None = None
        self.told_to_retry = self.hung_up = self.doubts = 0

    def connected(self) -> "psycopg.Connection[Any]":
        """The connection, to where the tenant lives as far as the app knows."""
        if self._link is None:
            self._link = psycopg.connect(
                **self.address(), **self.login, autocommit=True, connect_timeout=10
            )
        return self._link

    def address(self) -> dict[str, Any]:
        """Where the tenant lives now."""
        at = self._http.get("/api/v1/isolation/connection", key=self._key)
        self._http.close()  # it is long until the next time: the server would have hung up
        if at.status != 200:
            raise RuntimeError(f"no address: {at}")
        return {"host": at.body["host"], "port": at.body["port"], "dbname": at.body["database"]}

    def do(self, act: Act) -> float:
        """Carry it out however often that takes; answers the seconds from the first try to the
        commit. Raises `Lost`, and whatever is no invitation to try again.
        """
        began = time.monotonic()
        in_doubt = False
        while True:
            try:
                found = self._find(act) if in_doubt else None
                result = found if found is not None else self._try(act)
                break
            except psycopg.errors.SerializationFailure:
                self.told_to_retry += 1
            except psycopg.OperationalError:
                self.hung_up += 1
                in_doubt = True
            if time.monotonic() > began + PATIENCE_S:
                raise TimeoutError(f"{act.name} was not taken in {PATIENCE_S:g} s")
            self.close()
            if time.monotonic() > began + 10 * BACK_OFF_S:
                time.sleep(BACK_OFF_S)  # a client's back-off: the first tries come at once
        taken = time.monotonic() - began
        act.keep(result)
        return taken

    def close(self) -> None:
        """Leave; the next act asks where the tenant lives."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _try(self, act: Act) -> Any:
        link = self.connected()
        with link.transaction():
            for sql, values in act.steps:
                cursor = link.execute(sql, values)
            row = cursor.fetchone()
            if row is None:
                raise Lost(f"{act.name} {act.steps[-1][1]}")
        return row[0]

    def _find(self, act: Act) -> Any:
        self.doubts += 1
        row = self.connected().execute(*act.done).fetchone()
        return None if row is None else row[0]
