"""Combined Log Format: a line becomes a LogLine, or a reason why it is none."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from .networks import client

ENDPOINT_MAX = 255  # the API's longest endpoint, in characters
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PARTS = (
    ("client", r"(?P<client>\S+)"),
    ("identity", r" \S+"),
    ("user", r" .+?"),
    ("[time]", r" \[(?P<time>[^\]]*)\]"),
    ('"request"', r' "(?P<request>(?:[^"\\]|\\.)*)"'),
    ("status", r" (?P<status>\d{3})"),
    ("size", r" (?:\d+|-)"),
    ('"referer"', f" {_QUOTED}"),
    ('"user agent"', f" {_QUOTED}"),
)
# Servers are often told to append fields of their own (`"$http_x_forwarded_for"`): let them.
_LINE = re.compile("".join(pattern for _, pattern in _PARTS) + r"(?:\s.*)?", re.DOTALL)
_REQUEST = re.compile(r"[A-Za-z_-]+ (?P<target>.+?)(?: HTTP/[\d.]+)?", re.DOTALL)
_ORIGIN = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MalformedLine(ValueError):
    """The line is not in Combined Log Format; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One request. ``at_ms`` is Unix time in milliseconds, ``digest`` a hash of the whole line."""

    number: int
    client: str
    at_ms: int
    endpoint: str | None
    status: int
    digest: str


@dataclass(slots=True)
class ParsedLog:
    """What a log held: its requests, and number and reason of every line that was none."""

    lines: list[LogLine] = field(default_factory=list)
    malformed: list[tuple[int, str]] = field(default_factory=list)


def parse_log(raw_lines: Iterable[bytes]) -> ParsedLog:
    """Parse a whole log; line numbers start at 1."""
    log = ParsedLog()
    for number, raw in enumerate(raw_lines, start=1):
        try:
            log.lines.append(parse_line(number, raw.decode("utf-8", "replace")))
        except MalformedLine as problem:
            log.malformed.append((number, str(problem)))
    return log


def parse_line(number: int, text: str) -> LogLine:
    """Parse one line. Raises MalformedLine."""
    text = text.rstrip("\r\n")
    match = _LINE.fullmatch(text)
    if match is None:
        raise MalformedLine(_what_is_missing(text))
    return LogLine(
        number=number,
        client=_client(match["client"]),
        at_ms=_time_ms(match["time"]),
        endpoint=endpoint_of(match["request"]),
        status=_status(match["status"]),
        digest=blake2b(text.encode(), digest_size=8).hexdigest(),
    )


def endpoint_of(request: str) -> str | None:
    """The path of a request line without its query; None where there is no path.

    A request line that is none (`-` of a time-out, the bytes of a TLS handshake) was still a
    request that the server answered and logged, so its line counts.
    """
    match = _REQUEST.fullmatch(request)
    if match is None:
        return None
    path = re.split(r"[?#]", _ORIGIN.sub("", match["target"]), maxsplit=1)[0]
    # The API refuses control characters; a server that logs them raw must not lose the event.
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", path)[:ENDPOINT_MAX] or "/"


def _client(text: str) -> str:
    try:
        return str(client(text))
    except ValueError:
        raise MalformedLine(f"{_shown(text)} is no client address") from None


def _time_ms(text: str) -> int:
    try:
        moment = datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        raise MalformedLine(f"{_shown(text)} is no time like 17/May/2015:10:05:03 +0000") from None
    return int(moment.timestamp()) * 1000


def _status(text: str) -> int:
    status = int(text)
    if not 100 <= status <= 599:
        raise MalformedLine(f"{text} is no HTTP status")
    return status


def _what_is_missing(text: str) -> str:
    """Name the first part of the format that the line does not have."""
    if not text.strip():
        return "empty line"
    pattern = ""
    for name, part in _PARTS:
        pattern += part
        if re.match(pattern, text, re.DOTALL) is None:
            return f"no {name} where it is expected in {_shown(text)}"
    return f"no space after the user agent in {_shown(text)}"


def _shown(text: str, width: int = 60) -> str:
    """Text from the log made safe for a terminal: control characters escaped, cut short."""
    return ascii(text if len(text) <= width else text[: width - 1] + "…")
