"""Which generation of a tenant or workspace is current: revocation in under a second (X6).

Postgres is the truth: a change raises the subject's epoch in its own transaction, and each web
process reads the recently raised ones twice a second. It works with Redis down and needs no
message to arrive.
"""

import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from psycopg_pool import PoolTimeout

from tenlyr.core import redis

log = structlog.get_logger(__name__)

PERIOD_S = 0.4
LONGEST_PAUSE_S = 5.0
# A commit may come late after its row's clock: look back further than any transaction may last.
OVERLAP_S = 20
FIRST_LOOK_S = 180
FLUSH_ACTIVE_S = 5.0

_raised: dict[UUID, int] = {}
_touched: dict[UUID, int] = {}
_started = threading.Lock()
# Cleared by `watch` until its first read: what Redis holds may be older than this process.
_informed = threading.Event()
_informed.set()


def is_current(subject: UUID, epoch: int) -> bool:
    """Whether no higher epoch is known here."""
    return _raised.get(subject, 0) <= epoch and _informed.is_set()


def touch(tenant_id: UUID | None) -> None:
    """Note an authenticated call of the tenant (X46); costs a dictionary entry."""
    if tenant_id is not None:
        _touched[tenant_id] = time.time_ns()


def raise_epoch(subject: UUID) -> int:
    """Make everything cached about `subject` stale, with the transaction at hand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_authepoch AS e (subject, epoch, changed_at)"
            " VALUES (%s, 1, clock_timestamp()) ON CONFLICT (subject) DO UPDATE"
            " SET epoch = e.epoch + 1, changed_at = clock_timestamp() RETURNING epoch",
            [subject],
        )
        epoch = int(cursor.fetchone()[0])
    transaction.on_commit(lambda: learn({subject: epoch}))
    return epoch


def learn(epochs: dict[UUID, int]) -> None:
    """Take note of epochs; a lower one than known changes nothing."""
    for subject, epoch in epochs.items():
        if epoch > _raised.get(subject, 0):
            _raised[subject] = epoch


def watch() -> None:
    """Start the watcher of this process, once. Until it has read, no cache is believed."""
    if _started.acquire(blocking=False):
        _informed.clear()
        threading.Thread(target=_watch, name="epochs", daemon=True).start()


def read_raised(seconds: float) -> None:
    """Learn what was raised in the last `seconds`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject, epoch FROM core_authepoch"
            " WHERE changed_at > clock_timestamp() - make_interval(secs => %s)",
            [seconds],
        )
        learn(dict(cursor.fetchall()))


def _watch() -> None:
    last_success, last_flush = time.monotonic() - FIRST_LOOK_S, time.monotonic()
    pause_s = PERIOD_S
    while True:
        try:
            last_success = _look(last_success)
            pause_s = PERIOD_S
        except Exception:  # a thread that ends tells nobody, and revocations would go unheard
            _informed.clear()
            log.exception("epochs.failed")
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        if time.monotonic() - last_flush > FLUSH_ACTIVE_S:
            last_flush = time.monotonic()
            _flush_touched()
        time.sleep(pause_s)


def _look(last_success: float) -> float:
    """Read once; answers when it last went well. While Postgres is away what was read is believed;
    whatever else goes wrong is raised, and then nothing is until it reads again.
    """
    try:
        read_raised(time.monotonic() - last_success + OVERLAP_S)
        _informed.set()
        return time.monotonic()
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        log.warning("epochs.postgres_away", reason=type(error).__name__)
        return last_success
    finally:
        close_old_connections()


def _flush_touched() -> None:
    """Hand the last calls to Redis, from where a task writes them to Postgres every minute."""
    touched = dict(_touched)
    if not touched:
        return
    try:
        mapping = {str(tenant): moment for tenant, moment in touched.items()}
        redis.client().hset(redis.last_active(), mapping=mapping)
    except redis.RedisError as error:
        log.warning("epochs.redis_away", reason=type(error).__name__)
        return
    except Exception:  # the watcher goes on: when a tenant called last is not worth a revocation
        log.exception("epochs.not_flushed")
        return
    for tenant, moment in touched.items():
        if _touched.get(tenant) == moment:
            _touched.pop(tenant, None)


def take_touched() -> dict[UUID, datetime]:
    """Take all noted calls out of Redis: tenant -> moment of its last call."""
    pipe = redis.client().pipeline()
    values = pipe.hgetall(redis.last_active()).delete(redis.last_active()).execute()[0]
    return {
        UUID(tenant.decode()): datetime.fromtimestamp(int(moment) / 1e9, UTC)
        for tenant, moment in values.items()
    }
