"""From a raw key to a Principal: the process's cache, then Redis, then Postgres (F3, X6, X8).

A cached principal is good while no higher epoch of its subject is known; `epochs` learns of them.
Loaders are registered by the apps that own the keys, so that the kernel and the hot path know no
model.
"""

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec
import structlog
from django.conf import settings

from tenlyr.core import attempts, epochs, errors, keys, redis, secrets
from tenlyr.core.keys import Kind
from tenlyr.core.principal import Principal

log = structlog.get_logger(__name__)

# Together the ceiling of 60 s (F3), met only by a process that Postgres cannot be reached from.
REDIS_TTL_S = 50
LOCAL_TTL_S = 10.0
LOCAL_ENTRIES = 50_000
MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Found:
    """A stored key and the caller behind it; `verifier` is the argon2id hash."""

    principal: Principal
    verifier: str


Loader = Callable[[bytes], Found | None]
TenantLoader = Callable[[UUID, UUID], Principal | None]

_loaders: dict[Kind, Loader] = {}
_tenant_loader: list[TenantLoader] = []
_local: dict[bytes, tuple[Principal, float]] = {}
_verifying: dict[bytes, threading.Lock] = {}
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Principal)
_mac_key: list[bytes] = []


def load_with(kind: Kind, loader: Loader) -> None:
    """Name the loader of one kind of key (digest -> stored key or None)."""
    _loaders[kind] = loader


def load_tenant_with(loader: TenantLoader) -> None:
    """Name the loader for acting as a tenant ((workspace, tenant) -> Principal or None)."""
    _tenant_loader[:] = [loader]


def resolve(raw: str, address: str) -> Principal:
    """The active caller behind a raw key. `address` pays for failed attempts.

    Raises `AuthenticationFailed` and its kin (401), `RateLimited` (429) after too many failures,
    and `Unavailable` (503) when the key is in no cache and Postgres is away.
    """
    digest = keys.digest(raw)
    return _if_active(_held(digest) or _look_up(raw, digest, address))


def resolve_held(raw: str) -> Principal | None:
    """`resolve` for a caller that this process knows already, without any wait; None for others."""
    principal = _held(keys.digest(raw))
    return None if principal is None else _if_active(principal)


def _if_active(principal: Principal) -> Principal:
    if principal.expires_at and principal.expires_at < time.time():
        raise errors.KeyRevoked()
    principal.refuse_unless_active()
    epochs.touch(principal.tenant_id)
    return principal


def act_as(principal: Principal, tenant_id: UUID) -> Principal:
    """An admin speaking for one of its tenants (X18); raises `CrossTenantViolation` for any
    other.
    """
    tenant = _tenant_loader[0](principal.workspace_id, tenant_id)
    if tenant is None:
        raise errors.CrossTenantViolation()
    return principal.as_tenant(tenant)


def forget_everything() -> None:
    """Empty this process's cache (tests, forks)."""
    _local.clear()
    _verifying.clear()


def _held(digest: bytes) -> Principal | None:
    """The principal this process holds, if it is still good."""
    held = _local.get(digest)
    if held is None or held[1] <= time.monotonic():
        return None
    return held[0] if epochs.is_current(held[0].subject, held[0].epoch) else None


def _hold(digest: bytes, principal: Principal, asked_at: float) -> Principal:
    if len(_local) >= LOCAL_ENTRIES:
        _local.clear()
    _local[digest] = (principal, asked_at + LOCAL_TTL_S)
    return principal


def _look_up(raw: str, digest: bytes, address: str) -> Principal:
    kind = keys.kind_of(raw)
    if kind is None:
        raise errors.AuthenticationFailed(internal="format or checksum")
    # Misses for one key at the same time share one verification.
    with _verifying.setdefault(digest, threading.Lock()):
        try:
            # Whoever waited here finds what the first one found, also while Redis is away.
            held, now = _held(digest), time.monotonic()
            if held is not None:
                return held
            found = _from_redis(digest) or _from_postgres(raw, digest, kind, address)
            return _hold(digest, found, now)
        finally:
            _verifying.pop(digest, None)


def _from_postgres(raw: str, digest: bytes, kind: Kind, address: str) -> Principal:
    attempts.refuse_if_too_many(digest, address)
    found = _loaders[kind](digest)
    # The slow hash runs only for a digest that exists: garbage can never cost it.
    if found is None or not keys.verify(found.verifier, raw):
        attempts.count_failure(digest, address)
        raise errors.AuthenticationFailed(internal="no such key")
    _to_redis(digest, found.principal)
    return found.principal


def _mac(digest: bytes, packed: bytes) -> bytes:
    if not _mac_key:
        _mac_key.append(secrets.derive(settings.SECRET_KEY, "principal cache"))
    return hmac.digest(_mac_key[0], digest + packed, "sha256")[:MAC_BYTES]


def _from_redis(digest: bytes) -> Principal | None:
    """The cached principal; a changed, stale or unreadable entry counts as none (T71)."""
    try:
        value = redis.client().get(redis.principal(digest))
    except redis.RedisError as error:
        log.warning("auth.cache_away", reason=type(error).__name__)
        return None
    if not isinstance(value, bytes):
        return None
    mac, packed = value[:MAC_BYTES], value[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(digest, packed)):
        log.error("auth.cache_mac_failed")
        return None
    try:
        principal = _decoder.decode(packed)
    except msgspec.DecodeError:  # written by another version of ourselves
        log.warning("auth.cache_unreadable")
        return None
    return principal if epochs.is_current(principal.subject, principal.epoch) else None


def _to_redis(digest: bytes, principal: Principal) -> None:
    packed = _encoder.encode(principal)
    try:
        redis.client().set(redis.principal(digest), _mac(digest, packed) + packed, ex=REDIS_TTL_S)
    except redis.RedisError as error:
        log.warning("auth.cache_away", reason=type(error).__name__)
