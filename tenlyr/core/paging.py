"""Keyset pages: an opaque cursor in, a page and the next cursor out (B2, X58, B08)."""

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from tenlyr.core import errors, secrets

LONGEST_CURSOR = 512


class Listed(Protocol):
    """What a listed row must have."""

    id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursor of the next page or None on the last one."""

    rows: Sequence[Any]
    next_cursor: str | None


def _signature(place: str, created_at: str, row_id: str) -> str:
    key = secrets.derive(settings.SECRET_KEY, "cursor")
    return hmac.digest(key, f"{place}|{created_at}|{row_id}".encode(), "sha256").hex()[:32]


def encode(place: str, row: Listed) -> str:
    """The cursor after `row`. `place` names list, owner and filter: a cursor fits only its own
    list.
    """
    # The database keeps microseconds: a cursor in milliseconds would skip or repeat rows.
    created_at, row_id = row.created_at.isoformat(), str(row.id)
    return _written(created_at, row_id, _signature(place, created_at, row_id))


def _written(created_at: str, row_id: str, signature: str) -> str:
    body = {"createdAt": created_at, "id": row_id, "sig": signature}
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode()


def decode(place: str, cursor: str) -> tuple[datetime, UUID]:
    """The position behind a cursor; raises `InvalidCursor` for any that `encode` did not make."""
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError("too long")
        body = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        created_at, row_id, signature = body["createdAt"], body["id"], body["sig"]
        if not hmac.compare_digest(signature, _signature(place, created_at, row_id)):
            raise ValueError("signature")
        if cursor != _written(created_at, row_id, signature):
            raise ValueError("the same, written otherwise")
        return datetime.fromisoformat(created_at), UUID(row_id)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        binascii.Error,
        RecursionError,
    ) as error:
        raise errors.InvalidCursor(internal=repr(error)) from error


def newest_first(rows: "QuerySet[Any]", *, place: str, limit: int, cursor: str | None) -> Page:
    """A page of `rows` by (created_at, id) downwards."""
    if cursor:
        created_at, row_id = decode(place, cursor)
        rows = rows.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=row_id))
    found = list(rows.order_by("-created_at", "-id")[: limit + 1])
    page = found[:limit]
    more = len(found) > limit
    return Page(page, encode(place, page[-1]) if more else None)


def newest_id_first(rows: "QuerySet[Any]", *, place: str, limit: int, cursor: str | None) -> Page:
    """The same by id alone: for long lists whose ids are in order of time and indexed."""
    if cursor:
        rows = rows.filter(id__lt=decode(place, cursor)[1])
    found = list(rows.order_by("-id")[: limit + 1])
    page = found[:limit]
    return Page(page, encode(place, page[-1]) if len(found) > limit else None)


def limit_of(raw: str | None, *, default: int, most: int) -> int:
    """The `limit` query parameter: above the maximum it is clamped, no number is a 422 (X58)."""
    if raw is None:
        return default
    if not raw.isascii() or not raw.isdigit() or int(raw[:12]) < 1:
        raise errors.invalid("limit", "invalid", f"Must be a whole number from 1 to {most}.")
    return min(int(raw[:12]), most)
