"""Idempotency-Key on every POST: the effect and its remembered answer commit together (X23, R7)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection, transaction

from tenlyr.core import clock, errors, secrets
from tenlyr.core.models import IdempotencyRecord
from tenlyr.core.principal import Principal

KEPT_FOR = timedelta(hours=24)
SECRET_SHOWN_FOR = timedelta(minutes=10)
LONGEST_KEY = 255
PLACE = "core_idempotencyrecord.answer"
REMEMBERED = ["fingerprint", "status", "answer", "holds_secret", "created_at"]


@dataclass(frozen=True, slots=True)
class Call:
    """A POST that wants to happen once: its scope, its content and the client's own key."""

    scope: bytes
    fingerprint: bytes
    key: bytes

    @classmethod
    def of(cls, principal: Principal, route: str, body: Any, key: str) -> "Call":
        """Describe a call; raises `InvalidIdempotencyKey`."""
        if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise errors.InvalidIdempotencyKey()
        # The subject of an admin who acts as a tenant is the workspace: name the tenant too.
        caller = f"{principal.workspace_id}|{principal.subject}|{principal.tenant_id}"
        scope = f"{caller}|{route}|{key}"
        content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)
        return cls(_sha(scope.encode()), _sha(route.encode() + b"|" + content), key.encode())


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first call answered; `replayed` when this is not the first."""

    status: int
    body: Any
    replayed: bool = False


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def once(call: Call, run: Callable[[], Answer], *, holds_secret: bool = False) -> Answer:
    """Run now, or answer as the first time. An error is not remembered: its effect was undone."""
    with transaction.atomic():
        _lock(call.scope)
        record = IdempotencyRecord.objects.filter(
            scope=call.scope, created_at__gt=clock.now() - KEPT_FOR
        ).first()
        if record is not None:
            return _replay(record, call)
        answer = run()
        _remember(call, answer, holds_secret)
        return answer


def _lock(scope: bytes) -> None:
    with connection.cursor() as cursor:
        number = int.from_bytes(scope[:8], signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise errors.IdempotencyInProgress()


def _replay(record: IdempotencyRecord, call: Call) -> Answer:
    if bytes(record.fingerprint) != call.fingerprint:
        raise errors.IdempotencyMismatch()
    if record.holds_secret and record.created_at < clock.now() - SECRET_SHOWN_FOR:
        raise errors.SecretExpired()
    try:
        plain = secrets.unseal(bytes(record.answer), place=PLACE, also=call.key)
    except secrets.CannotDecrypt as error:
        if not record.holds_secret:
            raise
        # A host whose clock is ahead has emptied it already: gone is gone.
        raise errors.SecretExpired(internal="the answer cannot be unsealed") from error
    return Answer(record.status, orjson.loads(plain), replayed=True)


def _remember(call: Call, answer: Answer, holds_secret: bool) -> None:
    sealed = secrets.seal(orjson.dumps(answer.body, default=str), place=PLACE, also=call.key)
    record = IdempotencyRecord(
        scope=call.scope,
        fingerprint=call.fingerprint,
        status=answer.status,
        answer=sealed,
        holds_secret=holds_secret,
        created_at=clock.now(),
    )
    # One statement, where `update_or_create` takes six: a record that is there is past its time.
    IdempotencyRecord.objects.bulk_create(
        [record], update_conflicts=True, unique_fields=["scope"], update_fields=REMEMBERED
    )


def forget_old() -> int:
    """Delete what is past its time, and secrets past theirs; answers how many records changed."""
    old, _ = IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()
    secret = IdempotencyRecord.objects.filter(
        holds_secret=True, created_at__lt=clock.now() - SECRET_SHOWN_FOR
    ).exclude(answer=b"")
    return old + secret.update(answer=b"")
