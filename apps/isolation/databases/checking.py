"""Is a server or database usable? Each problem is named in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings

from apps.isolation.databases.addresses import CONNECT_TIMEOUT_S, Address
from apps.isolation.databases.errors import BadAddress, DatabaseFailed

OLDEST = 150_000
ROLE = "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"


@contextmanager
def connected(address: Address, what: str) -> "Iterator[psycopg.Connection[Any]]":
    """A direct connection as the address' own role, in autocommit.

    Raises `DatabaseFailed` where Postgres refuses or leaves, also later, inside the block.
    """
    try:
        with psycopg.connect(
            address.dsn,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="tenlyr set-up",
            autocommit=True,
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise DatabaseFailed(f"{what} {_refusal(error)}: {reason(error)}.") from error


def check(connection: Any, what: str, *, makes_databases: bool) -> None:
    """The server is new enough, and its role may do what a set-up does; raises `BadAddress`."""
    if connection.info.server_version < OLDEST:
        raise BadAddress(f"{what} is a Postgres older than 15.")
    if connection.info.parameter_status("server_encoding") != "UTF8" and not makes_databases:
        raise BadAddress(f"{what} is not encoded in UTF8.")
    is_super, may_make_roles, may_make_databases = connection.execute(ROLE).fetchone()
    user = connection.info.user
    if is_super:
        raise BadAddress(f"{what}: the role {user} is a superuser; give one that is not.")
    wanted = [("CREATEROLE", may_make_roles)]
    wanted += [("CREATEDB", may_make_databases)] if makes_databases else []
    missing = " and ".join(right for right, has_it in wanted if not has_it)
    if missing:
        raise BadAddress(f"{what}: the role {user} needs {missing}.")


def check_server(address: Address, what: str = "The server") -> None:
    """A server on which databases can be made; raises `DatabaseFailed`."""
    with connected(address, what) as connection:
        check(connection, what, makes_databases=True)
        refuse_strangers(connection, address, what)


def refuse_strangers(connection: Any, address: Address, what: str) -> None:
    """Our roles, where they exist, must be ours: two installations on one server would take each
    other's passwords away.
    """
    login = settings.DATABASES["default"]
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login["USER"]])
    if row.fetchone() is None:
        return
    params: dict[str, Any] = {**address.params, "user": login["USER"]}
    params.update(password=login["PASSWORD"], connect_timeout=CONNECT_TIMEOUT_S)
    try:
        psycopg.connect(**params).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise BadAddress(f"{what} holds the roles of another Tenlyr.") from error
        # Whatever else: the database may be closed to the role as yet.


def reason(error: psycopg.Error) -> str:
    """What Postgres said, in one line that has no password in it."""
    text = error.diag.message_primary or (str(error).strip().splitlines() or ["no reason"])[0]
    return text.rpartition("failed: ")[2].removeprefix("FATAL:").strip().rstrip(".")


def _refusal(error: psycopg.Error) -> str:
    return "refuses" if error.sqlstate else "cannot be reached"
