"""Who may change the places of a tenant: one at a time, from a look at them to the last deletion.

A move begins under this lock, and whoever removes what moves left behind holds it all the while: no
place becomes a home or a target while it is emptied.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from apps.isolation.moves.errors import PlacesBusy
from apps.isolation.moves.links import AGAIN_S, SessionLock

# Longer than a look at the places takes, shorter than a caller's patience.
PATIENCE_S = 1.0
# How long is waited for the last deletion of a run before this one.
HANDOVER_S = 5.0
TRY = "SELECT pg_try_advisory_xact_lock(%s)"


class Taken(Exception):
    """Another process is at the tenant's places: nothing was changed."""


class Claim(SessionLock):
    """The right to remove things from places where the tenant does not live."""

    def __init__(self, tenant_id: UUID) -> None:
        super().__init__(key_of(tenant_id))
        self.tenant_id = tenant_id


def key_of(tenant_id: UUID) -> int:
    """The number of the lock."""
    digest = hashlib.blake2b(b"tenlyr places" + tenant_id.bytes, digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@contextmanager
def alone(tenant_id: UUID, wait_s: float = 0.0) -> Iterator[Claim]:
    """In the block no move of the tenant begins, and nobody else removes anything of it.

    What was known of its moves and of its placement is to be read again inside. Raises `Taken`.
    """
    claim = Claim(tenant_id)
    if not claim.take(wait_s):
        raise Taken(str(tenant_id))
    try:
        yield claim
    finally:
        claim.leave()


def begin(tenant_id: UUID) -> None:
    """Until the caller's transaction ends nobody removes anything of the tenant. Raises
    `PlacesBusy` when somebody does now, and goes on with it.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("the lock would end with its statement")
    deadline = time.monotonic() + PATIENCE_S
    with connection.cursor() as cursor:
        cursor.execute(TRY, [key_of(tenant_id)])
        while not cursor.fetchone()[0]:
            if time.monotonic() > deadline:
                raise PlacesBusy
            time.sleep(AGAIN_S)
            cursor.execute(TRY, [key_of(tenant_id)])
