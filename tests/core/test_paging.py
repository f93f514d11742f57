"""Keyset pages: no row twice, none skipped, and no cursor of one's own making (B08)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import models
from hypothesis import example, given
from hypothesis import strategies as st

from apps.workspaces.models import Workspace
from tenlyr.core import errors, ids, paging
from tenlyr.core.paging import Page

MOMENT = datetime(2024, 11, 21, 4, 5, 6, 789_123, UTC)


class Row:
    """What a cursor is made from."""

    id = UUID("01a1fc7a-9875-7907-a9ff-a2c7536e2851")
    created_at = MOMENT


@pytest.fixture
def rows() -> Any:
    """Seven workspaces; three of them made in the same microsecond, two a microsecond later."""
    name = f"paging {ids.uuid7()}"
    moments = [MOMENT] * 3 + [MOMENT + timedelta(microseconds=1)] * 2 + [MOMENT - timedelta(1)] * 2
    Workspace.objects.bulk_create(
        [Workspace(name=name, plan="starter", created_at=moment) for moment in moments]
    )
    yield Workspace.objects.filter(name=name)
    Workspace.objects.filter(name=name).delete()


def walk(rows: "models.QuerySet[Workspace]", limit: int) -> list[Page]:
    """All pages, first to last."""
    pages: list[Page] = []
    cursor = None
    while not pages or cursor:
        pages.append(paging.newest_first(rows, place="tests", limit=limit, cursor=cursor))
        cursor = pages[-1].next_cursor
    return pages


@pytest.mark.parametrize("limit", range(1, 9))
def test_every_row_once_and_newest_first(rows: Any, limit: int) -> None:
    found = [row for page in walk(rows, limit) for row in page.rows]
    assert found == sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)


@pytest.mark.parametrize("limit", range(1, 9))
def test_by_id_alone(rows: Any, limit: int) -> None:
    found: list[Any] = []
    cursor = None
    while not found or cursor:
        page = paging.newest_id_first(rows, place="tests", limit=limit, cursor=cursor)
        found, cursor = [*found, *page.rows], page.next_cursor
    assert found == sorted(rows, key=lambda row: row.id, reverse=True)
    with pytest.raises(errors.InvalidCursor):
        paging.newest_id_first(rows, place="tests", limit=limit, cursor="abc")


def test_only_the_last_page_has_no_cursor(rows: Any) -> None:
    pages = walk(rows, 3)
    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert [page.next_cursor is None for page in pages] == [False, False, True]
    assert walk(rows, 7)[0].next_cursor is None


def test_rows_born_meanwhile_disturb_nothing(rows: Any) -> None:
    first = paging.newest_first(rows, place="tests", limit=3, cursor=None)
    newer = Workspace.objects.create(name=rows[0].name, plan="starter")
    second = paging.newest_first(rows, place="tests", limit=9, cursor=first.next_cursor)
    assert newer not in second.rows
    assert len({row.id for row in [*first.rows, *second.rows]}) == 7


def test_a_cursor_shows_when_and_keeps_microseconds() -> None:
    cursor = paging.encode("tests", Row())
    assert json.loads(base64.urlsafe_b64decode(cursor))["createdAt"] == MOMENT.isoformat()
    assert paging.decode("tests", cursor) == (MOMENT, Row.id)


def refused(place: str, cursor: str) -> bool:
    """Whether a cursor is refused as `invalid_cursor`, and in no other way."""
    try:
        paging.decode(place, cursor)
    except errors.InvalidCursor:
        return True
    return False


@given(st.integers(0, 250), st.characters(exclude_categories=["Cs"]))
@example(127, "K")  # a blank between two fields becomes a new line
@example(127, "J")  # a tab
def test_one_changed_character_and_it_is_none(position: int, character: str) -> None:
    cursor = paging.encode("tests", Row())
    position %= len(cursor)
    changed = cursor[:position] + character + cursor[position + 1 :]
    assert refused("tests", changed) or changed == cursor


def test_the_same_content_written_otherwise_is_none() -> None:
    body = json.loads(base64.urlsafe_b64decode(paging.encode("tests", Row())))
    assert not refused("tests", packed(body))
    turned = dict(reversed(body.items()))
    tight = base64.urlsafe_b64encode(json.dumps(body, separators=(",", ":")).encode()).decode()
    for other in (packed(turned), packed({**body, "more": 1}), tight):
        assert refused("tests", other)


@given(st.text(max_size=700))
def test_no_text_breaks_it(text: str) -> None:
    assert refused("tests", text)


def packed(body: Any) -> str:
    """A cursor with a body of one's own."""
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode()


FORGED = {
    "no base 64": "%%%",
    "10 kB": "A" * 10_240,
    "not ASCII": "é",
    "no JSON": base64.urlsafe_b64encode(b"{").decode(),
    "a list": packed([]),
    "a number": packed(7),
    "nothing": packed(None),
    "empty": packed({}),
    "no signature": packed({"createdAt": MOMENT.isoformat(), "id": str(Row.id)}),
    "signature of a wrong type": packed(
        {"createdAt": MOMENT.isoformat(), "id": str(Row.id), "sig": 7}
    ),
    "signature not ASCII": packed({"createdAt": "", "id": "", "sig": "é"}),
    "deep": base64.urlsafe_b64encode(b"[" * 380).decode(),
    "year nought": packed({"createdAt": "0000-01-01", "id": str(Row.id), "sig": "0" * 32}),
}


@pytest.mark.parametrize("cursor", FORGED.values(), ids=FORGED)
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    assert refused("tests", cursor)


@pytest.mark.parametrize("place", ["", "test", "tests ", "tests|", "other"])
def test_a_cursor_fits_only_its_own_list(place: str) -> None:
    assert refused(place, paging.encode("tests", Row()))


def test_a_signed_cursor_of_another_moment_is_refused() -> None:
    body = json.loads(base64.urlsafe_b64decode(paging.encode("tests", Row())))
    body["createdAt"] = (MOMENT + timedelta(days=1)).isoformat()
    assert refused("tests", packed(body))


@pytest.mark.parametrize(
    ("raw", "limit"),
    [(None, 50), ("1", 1), ("50", 50), ("100", 100), ("101", 100), ("1000000000", 100), ("007", 7)],
)
def test_a_limit_is_read_and_clamped(raw: str | None, limit: int) -> None:
    assert paging.limit_of(raw, default=50, most=100) == limit


@pytest.mark.parametrize(
    "raw", ["", "0", "-1", "1.5", "ten", "1_0", " 7", "\u0667", "²", "0x1", "+1"]
)
def test_what_is_no_limit_is_a_422(raw: str) -> None:
    with pytest.raises(errors.InvalidRequest) as raised:
        paging.limit_of(raw, default=50, most=100)
    assert raised.value.details["errors"][0]["field"] == "limit"


def test_an_endless_limit_is_clamped_too() -> None:
    assert paging.limit_of("9" * 5_000, default=50, most=100) == 100
