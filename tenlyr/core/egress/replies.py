"""What became of a request of ours, in a form that is safe to keep and to show (T44)."""

import re
from dataclasses import dataclass
from enum import StrEnum

KEPT_BYTES = 1_024
LONGEST_RETRY_AFTER = 64
# Control characters (escape sequences, NUL), and those that turn the direction of a line round.
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


class Outcome(StrEnum):
    """How a POST ended."""

    ACCEPTED = "accepted"  # 2xx
    REFUSED = "refused"  # another status
    REDIRECT_REFUSED = "redirect_refused"  # 3xx: never followed
    GONE = "gone"  # 410
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # no address, no connection, or one that was cut
    TLS_FAILED = "tls_failed"
    BLOCKED = "blocked"  # by the guard: nothing was sent
    BROKEN = "broken"  # not HTTP/1.1, or too long


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of one POST. `status` is there when the receiver answered with one.

    `body` is the first 1,024 bytes of the answer as they came, `latency_ms` the milliseconds until
    the outcome was known, `reason` a sentence for the owner of the URL, `retry_after` the header as
    it came (T45).
    """

    outcome: Outcome
    status: int | None
    body: bytes
    latency_ms: int
    reason: str
    retry_after: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took it: 2xx."""
        return self.outcome is Outcome.ACCEPTED

    @property
    def text(self) -> str:
        """The body as at most 1,024 characters that no terminal, log or database trips over."""
        plain = self.body.decode("utf-8", errors="replace").replace("\r\n", "\n")
        return UNSAFE.sub("\ufffd", plain)


def outcome_of(status: int) -> tuple[Outcome, str]:
    """What a final status means, and the sentence for it (X35)."""
    if 200 <= status < 300:
        return Outcome.ACCEPTED, ""
    if 300 <= status < 400:
        return Outcome.REDIRECT_REFUSED, f"The receiver answered {status}: no redirect is followed."
    outcome = Outcome.GONE if status == 410 else Outcome.REFUSED
    return outcome, f"The receiver answered {status}."
