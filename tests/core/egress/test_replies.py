"""What is kept of an answer is safe to show (T44)."""

import pytest

from tenlyr.core.egress import replies
from tenlyr.core.egress.replies import Outcome, Reply


def text(body: bytes) -> str:
    """The text of a reply with this body."""
    return Reply(Outcome.ACCEPTED, 200, body, 1, "").text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", ""),
        ("Grüße\n\tok".encode(), "Grüße\n\tok"),
        (b"a\r\nb", "a\nb"),
        (b"a\rb", "a\ufffdb"),
        (b"\x1b[31mred\x1b]0;title\x07", "\ufffd[31mred\ufffd]0;title\ufffd"),
        (b"\x00", "\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xc3", "\ufffd"),
        ("\u202egnp.exe\u2066\u2028".encode(), "\ufffdgnp.exe\ufffd\ufffd"),
        ("\x85\x9b31m\x7f".encode(), "\ufffd\ufffd31m\ufffd"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_text_is_harmless(body: bytes, shown: str) -> None:
    assert text(body) == shown


def test_text_is_never_longer_than_what_is_kept() -> None:
    assert len(text(b"\xff" * replies.KEPT_BYTES)) == replies.KEPT_BYTES


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (204, Outcome.ACCEPTED),
        (299, Outcome.ACCEPTED),
        (300, Outcome.REDIRECT_REFUSED),
        (302, Outcome.REDIRECT_REFUSED),
        (399, Outcome.REDIRECT_REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (410, Outcome.GONE),
        (429, Outcome.REFUSED),
        (500, Outcome.REFUSED),
        (999, Outcome.REFUSED),
    ],
)
def test_what_a_status_means(status: int, outcome: Outcome) -> None:
    assert replies.outcome_of(status)[0] is outcome
