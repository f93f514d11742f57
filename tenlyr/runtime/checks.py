"""Is what the operator gave us usable? Each problem is named in one sentence, before anything
runs.
"""

import errno
import socket
from typing import Any

import psycopg
import redis

from tenlyr import env
from tenlyr.core.keys import Kind, kind_of
from tenlyr.runtime import ports
from tenlyr.runtime.errors import StartFailed

OLDEST_POSTGRES, OLDEST_REDIS = 150000, 7
SHORTEST_SECRET = 32
POSTGRES = {"postgres": 5432, "postgresql": 5432}
ROLE = "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"


def port(number: int) -> None:
    """The port must be free: with SO_REUSEPORT a second Tenlyr would silently share it."""
    error = ports.bind_error(number)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        raise StartFailed(f"Port {number} is in use: stop what listens there, or set PORT.")
    raise StartFailed(f"PORT {number} cannot be used: {error.strerror}.")


def admin_key(raw: str) -> None:
    """A key given for the first workspace must be a well-formed admin key."""
    if raw and kind_of(raw) is not Kind.ADMIN:
        raise StartFailed(
            "TENLYR_ADMIN_KEY is not an admin key: tenlyr_live_tf_ and 46 characters."
        )


def secret_key(text: str) -> None:
    """A master secret that is given must be long enough to be one."""
    if text and len(text) < SHORTEST_SECRET:
        raise StartFailed(f"TENLYR_SECRET_KEY must have at least {SHORTEST_SECRET} characters.")


def database(url: str) -> None:
    """`DATABASE_URL` must be reachable, new enough, and of a role that may make roles."""
    parts = env.url("DATABASE_URL", POSTGRES)
    if parts is None or not parts.path.strip("/"):
        raise StartFailed("DATABASE_URL names no database: end it with /NAME.")
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            if connection.info.server_version < OLDEST_POSTGRES:
                raise StartFailed("DATABASE_URL is a Postgres older than 15.")
            row: Any = connection.execute(ROLE).fetchone()
    except psycopg.ProgrammingError:
        # It quotes what it could not read, and that may be the password.
        raise StartFailed(
            "DATABASE_URL cannot be read: write % in its password as %25, and other signs alike."
        ) from None
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise StartFailed(f"DATABASE_URL cannot be reached: {reason}") from error
    is_super, may_make_roles, may_make_databases = row
    if is_super:
        raise StartFailed(
            "The role of DATABASE_URL is a superuser: give it CREATEROLE and CREATEDB."
        )
    if not (may_make_roles and may_make_databases):
        raise StartFailed("The role of DATABASE_URL needs CREATEROLE and CREATEDB.")


def pooler() -> None:
    """`DATABASE_POOL_URL` must be an address where somebody listens.

    Who may log in there shows at the set-up: the roles may not exist yet.
    """
    parts = env.url("DATABASE_POOL_URL", POSTGRES)
    if parts is None:
        return
    if not parts.path.strip("/"):
        raise StartFailed("DATABASE_POOL_URL names no database: end it with /NAME.")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 5432), timeout=5).close()
    except OSError as error:
        raise StartFailed(
            f"DATABASE_POOL_URL cannot be reached: {error.strerror or error}."
        ) from error


def broker(url: str) -> str:
    """`REDIS_URL` must answer and never evict; answers its durability, `disk` or `memory`."""
    env.url("REDIS_URL", {"redis": 6379, "rediss": 6379})
    try:
        client: Any = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
    except ValueError as error:
        raise StartFailed(f"REDIS_URL cannot be read: {error}.") from error
    try:
        about, memory = client.info("server"), client.info("memory")
        persistence = client.info("persistence")
        fsync = _setting(client, "appendfsync")
    except redis.RedisError as error:
        raise StartFailed(f"REDIS_URL cannot be reached: {error}") from error
    finally:
        client.close()
    if int(str(about.get("redis_version", OLDEST_REDIS)).split(".")[0]) < OLDEST_REDIS:
        raise StartFailed("REDIS_URL is a Redis older than 7.")
    if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
        raise StartFailed("REDIS_URL evicts keys when full: set maxmemory-policy noeviction.")
    return "disk" if persistence.get("aof_enabled") == 1 and fsync == "always" else "memory"


def _setting(client: Any, name: str) -> str:
    try:
        return str(client.config_get(name).get(name, ""))
    except redis.ResponseError:  # a managed Redis may forbid CONFIG: then nothing is promised
        return ""
