"""The connections of one run of a move: direct ones, because a pooler keeps no session's lock."""

import time
from contextlib import ExitStack, suppress
from functools import cached_property
from typing import Any, Self
from uuid import UUID

import psycopg
from django.db import connections

from apps.isolation.databases.aliases import owner_alias
from apps.isolation.placements import Location

Connection = psycopg.Connection[Any]

LOCK_TIMEOUT_MS = 2_000
# How soon a lock that another has is asked for again.
AGAIN_S = 0.05
# One form of every value on both sides; plans that do not depend on the machine's mood.
SETTINGS = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "jit": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
}
DROPPED = ("pool", "options", "cursor_factory", "prepare_threshold", "context")


def owner(alias: str) -> Connection:
    """A new direct connection as the owner of everything in that database."""
    params = _params(owner_alias(alias))
    role = connections[owner_alias(alias)].settings_dict["OPTIONS"]["options"]
    return _connect(params, role)


def fleet(location: Location) -> Connection:
    """A new direct connection as the fleet role: its policy sees every tenant's rows."""
    params = _params(owner_alias(location.alias))
    login = connections[location.fleet_alias].settings_dict
    return _connect({**params, "user": login["USER"], "password": login["PASSWORD"]}, "")


def _params(alias: str) -> dict[str, Any]:
    params = connections[alias].get_connection_params()
    return {name: value for name, value in params.items() if name not in DROPPED}


def _connect(params: dict[str, Any], options: str) -> Connection:
    given = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    return psycopg.connect(
        **{
            **params,
            "options": f"{options} {given}",
            "application_name": "tenlyr move",
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        },
        autocommit=True,
    )


class Links:
    """Opened when first used, closed together."""

    def __init__(self, source: Location, target: Location | None) -> None:
        self._source, self._target = source, target
        self._open = ExitStack()

    @cached_property
    def source(self) -> Connection:
        """Reads the tenant's rows where they are."""
        return self._opened(fleet(self._source))

    @cached_property
    def target(self) -> Connection:
        """Writes them where they go."""
        return self._opened(fleet(self._arrival()))

    @cached_property
    def source_owner(self) -> Connection:
        """Makes and removes triggers at the source."""
        return self._opened(owner(self._source.alias))

    @cached_property
    def target_owner(self) -> Connection:
        """Prepares tables at the target."""
        return self._opened(owner(self._arrival().alias))

    def aim(self, target: Location) -> None:
        """Say where the target is, once it is known."""
        self._target = target

    def _arrival(self) -> Location:
        if self._target is None:
            raise RuntimeError("the move has no target yet")
        return self._target

    def _opened(self, connection: Connection) -> Connection:
        self._open.callback(connection.close)
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def key_of(move_id: UUID) -> int:
    """The number of the lock that a move's runner holds."""
    return int.from_bytes(move_id.bytes[:8], signed=True) ^ int.from_bytes(move_id.bytes[9:])


class SessionLock:
    """A lock of the control plane's database that ends with the process that holds it."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._connection: Connection | None = None

    def take(self, wait_s: float = 0.0) -> bool:
        """Whether nobody else has it, from now until `leave`; asks for `wait_s` at most."""
        deadline = time.monotonic() + wait_s
        self._connection = owner("default")
        try:
            while not self._try(self._connection):
                if time.monotonic() >= deadline:
                    self.leave()
                    return False
                time.sleep(AGAIN_S)
        except BaseException:
            self.leave()
            raise
        return True

    def check(self) -> None:
        """Raises `psycopg.OperationalError` when the lock's connection is gone."""
        if self._connection is None:
            raise RuntimeError("not taken")
        self._connection.execute("SELECT 1")

    def leave(self) -> None:
        """Let the next one in."""
        if self._connection is not None:
            # By word, too: the server takes its time to notice that a client has left.
            with suppress(psycopg.Error), self._connection as connection:
                connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection = None

    def _try(self, connection: Connection) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self._key]).fetchone()
        return row is not None and bool(row[0])


class Liveness(SessionLock):
    """The session lock by which others see that a move's runner lives."""

    def __init__(self, move_id: UUID) -> None:
        super().__init__(key_of(move_id))


def run(connection: Connection, text: str) -> "psycopg.Cursor[Any]":
    """Run SQL made of quoted names and literals; there are no parameters, so `%` is itself."""
    return connection.execute(text)


def one(connection: Connection, text: str) -> Any:
    """The first row; a query that has none is a mistake of ours."""
    row = run(connection, text).fetchone()
    if row is None:
        raise LookupError(text)
    return row
