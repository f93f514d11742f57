"""What Postgres keeps of an API key: a digest to find it, a slow hash, 16 characters for display
(X8).
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from django.db import models

from tenlyr.core import clock, ids, keys, spares
from tenlyr.core.keys import Kind


@dataclass(frozen=True, slots=True)
class Minted:
    """A new key with all that is kept of it; `raw` is shown once and forgotten."""

    raw: str
    digest: bytes
    prefix: str
    _hashing: Future[str]

    @property
    def verifier(self) -> str:
        """The slow hash; waits until it is there."""
        return self._hashing.result()


def mint(kind: Kind, raw: str | None = None) -> Minted:
    """Make a key. Where none was made ahead, its slow hash is made beside what the caller does
    next, statements above all: ask for it last.
    """
    spare = spares.of_this_process().take() if kind is Kind.TENANT and raw is None else None
    if spare is not None:
        raw, verifier = spare
        hashing: Future[str] = Future()
        hashing.set_result(verifier)
    else:
        raw = raw or keys.generate(kind)
        hashing = _hashers().submit(keys.slow_hash, raw)
    return Minted(raw, keys.digest(raw), keys.display_prefix(raw), hashing)


@cache
def _hashers() -> ThreadPoolExecutor:
    # argon2 leaves the interpreter's lock alone: a thread for each core, and callers queue.
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")


# A child has none of its parent's threads.
os.register_at_fork(after_in_child=_hashers.cache_clear)


class StoredKey(models.Model):
    """Base of admin and tenant keys. A key in its grace period has `expires_at` (X6b)."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    verifier = models.CharField(max_length=128, editable=False)
    prefix = models.CharField(max_length=keys.DISPLAY_CHARACTERS, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.prefix}…"
