"""Logins of tenants: made when first needed, kept until they are about to expire."""

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, Optional, Tuple, TypeVar

from tenlyr._errors import NotFoundError
from tenlyr._sync._client import TenlyrSync

T = TypeVar("T")
FRESH = 0.8  # of its time a login is used: a transaction that begins late must end before it does
TRIES = 8
WAIT_S = 0.05


@dataclass(frozen=True)
class Login:
    """Where a tenant's rows are, and a role that sees only them."""

    host: str
    port: int
    database: str
    schema: str
    role: str
    password: str = field(repr=False)

    @property
    def parameters(self) -> Dict[str, Any]:
        """What `psycopg.connect` takes. The role knows its schema."""
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.role,
            "password": self.password,
        }


class TenantDatabases:
    """Connections of tenants, for a process.

    - `client`: has an admin key.
    - `ttl_s`: for how many seconds a login works; another one is made in time.
    - `connect`: takes what `psycopg.connect` takes, which it is when left out.

    A tenant has 20 live logins at most: `close` it at the end, or use it in a `with` block.
    """

    def __init__(
        self,
        client: TenlyrSync,
        *,
        ttl_s: int = 3600,
        connect: Optional[Callable[..., Any]] = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ttl_s = ttl_s
        self.sleep = sleep
        self._client = client
        self._connect = connect or _psycopg_connect
        self._clock = clock
        self._kept: Dict[str, Tuple[float, Login]] = {}
        self._credentials: Dict[str, str] = {}
        self._locks: Dict[str, threading.Lock] = {}

    def login(self, tenant_id: str) -> Login:
        """The tenant's login, made when there is no fresh one."""
        with self._locks.setdefault(tenant_id, threading.Lock()):
            until, login = self._kept.get(tenant_id, (0.0, None))
            if login is None or self._clock() >= until:
                login = self._made(tenant_id)
                until = self._clock() + self.ttl_s * FRESH
                self._kept[tenant_id] = (until, login)
            return login

    def moved(self, tenant_id: str) -> None:
        """Ask where the tenant is now: its role and password go on working there."""
        with self._locks.setdefault(tenant_id, threading.Lock()):
            until, login = self._kept.get(tenant_id, (0.0, None))
            if login is None:
                return
            at = self._client.isolation.connection(tenant_id=tenant_id)
            there = Login(at.host, at.port, at.database, at.schema, login.role, login.password)
            self._kept[tenant_id] = (until, there)

    def connect(self, tenant_id: str) -> Any:
        """A new connection. When it is refused, the tenant may have moved: then once more."""
        try:
            return self._connect(**self.login(tenant_id).parameters)
        except Exception as error:  # whichever driver it is
            if not _is_of_a_driver(error):
                raise
            self.moved(tenant_id)
            return self._connect(**self.login(tenant_id).parameters)

    @contextmanager
    def connection(self, tenant_id: str) -> Iterator[Any]:
        """A connection for one block: committed at its end, rolled back after an error."""
        with self.connect(tenant_id) as connection:
            yield connection

    def run(self, tenant_id: str, work: Callable[[Any], T]) -> T:
        """What `work` answers, given a connection, in a transaction.

        While the tenant moves it is repeated at the new place, so that it must do nothing but SQL.
        """

        def once() -> T:
            with self.connection(tenant_id) as connection:
                return work(connection)

        return repeated(once, lambda: self.moved(tenant_id), self.sleep)

    def close(self) -> None:
        """End the logins in use, and their sessions. Those before end when their time is over."""
        for tenant_id in list(self._credentials):
            with self._locks.setdefault(tenant_id, threading.Lock()):
                self._kept.pop(tenant_id, None)
                credential_id = self._credentials.pop(tenant_id, None)
            if credential_id is not None:
                with suppress(NotFoundError):  # it has ended
                    self._client.isolation.end_credential(credential_id)

    def __enter__(self) -> "TenantDatabases":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _made(self, tenant_id: str) -> Login:
        made = self._client.isolation.create_credential(tenant_id=tenant_id, ttl_seconds=self.ttl_s)
        self._credentials[tenant_id] = made.id
        return Login(made.host, made.port, made.database, made.schema, made.role, made.password)


def repeated(once: Callable[[], T], moved: Callable[[], None], sleep: Callable[[float], None]) -> T:
    """Do something again as long as the tenant turns out to have moved."""
    for attempt in range(1, TRIES):
        try:
            return once()
        except Exception as error:  # whichever driver it is: its SQLSTATE decides
            if not is_moved(error):
                raise
        sleep(WAIT_S * attempt)
        moved()
    return once()


def is_moved(error: BaseException) -> bool:
    """Whether a transaction is to be repeated: SQLSTATE 40001, also of what SQLAlchemy wraps."""
    states = (_state(one) for one in (error, getattr(error, "orig", None), error.__cause__))
    return "40001" in states


def _state(error: Any) -> Optional[str]:
    """psycopg says `sqlstate`, psycopg2 `pgcode`."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def _is_of_a_driver(error: Exception) -> bool:
    """Whether an error is one of a connection, by the name that PEP 249 gives it."""
    return any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)


def _psycopg_connect(**parameters: Any) -> Any:
    import psycopg

    return psycopg.connect(**parameters)
