"""The command line, its environment, and where an admin key may come from."""

import argparse
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .networks import Prefixes
from .timeline import OLDEST_MS, iso, parse_iso

_CLONE = Path(__file__).resolve().parents[2]
_BATCH_MAX = 10_000
_DESCRIPTION = """\
Replay a web server's access log (Combined Log Format) into a running Tenlyr.

Every client network becomes a tenant and every line an api_call event with its endpoint, status
and time. Times are shifted so that the latest request happens now; a log that would reach back
into last month is compressed into this one. Lines with status 500 and above are stored, but are
not billable. Malformed lines are counted and named.
"""
_EPILOG = """\
Running it again gives each network's tenant a new key (its old key stops working) and replays
the log once more. To finish a run that was interrupted, repeat it with the --run-id and --until
that it printed: what was counted already is not counted again.

Exit code: 0 every line was accepted or refused by its tenant's limit; 1 not so; 2 wrong usage;
130 interrupted.
"""


class NoAdminKey(Exception):
    """No admin key was given and none was found."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to replay, to where and how. Times in Unix milliseconds."""

    file: str
    url: str
    admin_key: str
    plan: str
    prefixes: Prefixes
    is_single: bool
    batch_size: int
    concurrency: int
    limit_lines: int | None
    run_id: str
    now_ms: int
    until_ms: int
    json_file: str | None
    keys_file: str | None


def read_options(argv: Sequence[str] | None) -> Options:
    """Read the command line. Exits with 2 on wrong usage. Raises NoAdminKey."""
    parser = _parser()
    given = parser.parse_args(argv)
    now_ms = time.time_ns() // 1_000_000
    until_ms = now_ms if given.until is None else given.until
    if not now_ms - OLDEST_MS < until_ms <= now_ms:
        parser.error(f"--until must lie between {iso(now_ms - OLDEST_MS)} and now")
    return Options(
        file=given.file,
        url=given.url.rstrip("/"),
        admin_key=_sendable(given.admin_key or admin_key_of_clone()),
        plan=given.plan,
        prefixes=Prefixes(given.ipv4_prefix, given.ipv6_prefix),
        is_single=given.single,
        batch_size=1 if given.single else given.batch_size,
        concurrency=given.concurrency,
        limit_lines=given.limit_lines,
        run_id=given.run_id or secrets.token_hex(8),
        now_ms=now_ms,
        until_ms=until_ms,
        json_file=given.json,
        keys_file=given.save_keys,
    )


def admin_key_of_clone() -> str:
    """The key of the Tenlyr that ``make run`` started from this clone. Raises NoAdminKey."""
    home = os.environ.get("TENLYR_HOME") or ".tenlyr"
    # An absolute TENLYR_HOME makes both the same path.
    for path in (Path(home, "admin_key"), _CLONE / home / "admin_key"):
        try:
            return path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise NoAdminKey(f"{path} cannot be read: {problem.strerror}.") from problem
    raise NoAdminKey(
        "No admin key: give --admin-key, set TENLYR_ADMIN_KEY, or start Tenlyr with `make run`"
        f" in {_CLONE}, which keeps its key in {home}/admin_key."
    )


def _sendable(key: str) -> str:
    if not (key.isascii() and key.isprintable() and key.strip() == key):
        raise NoAdminKey("The admin key has characters that no key has.")
    return key


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="replay_access_log.py",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the access log, plain or gzip; - is stdin")
    _add_target(parser)
    _add_tenants(parser)
    _add_sending(parser)
    _add_output(parser)
    return parser


def _add_target(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which Tenlyr")
    group.add_argument(
        "--url",
        type=_url,
        default=os.environ.get("TENLYR_URL") or "http://127.0.0.1:8000",
        help="its address (default: TENLYR_URL, else http://127.0.0.1:8000)",
    )
    group.add_argument(
        "--admin-key",
        metavar="KEY",
        default=os.environ.get("TENLYR_ADMIN_KEY"),
        help="an admin key (default: TENLYR_ADMIN_KEY, else the key `make run` keeps in .tenlyr);"
        " others on this machine can see a command line, so prefer the environment",
    )


def _add_tenants(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tenants")
    group.add_argument(
        "--plan",
        choices=("starter", "growth", "scale", "enterprise"),
        default="growth",
        help="plan of new tenants: at most 1,000, 100,000, 1,000,000 or unlimited calls a month"
        " (default: %(default)s); a tenant that is there keeps its plan",
    )
    group.add_argument(
        "--ipv4-prefix",
        type=_Whole(0, 32),
        metavar="BITS",
        default=8,
        help="leading bits that make an IPv4 network (default: %(default)s)",
    )
    group.add_argument(
        "--ipv6-prefix",
        type=_Whole(0, 128),
        metavar="BITS",
        default=32,
        help="leading bits that make an IPv6 network (default: %(default)s)",
    )


def _add_sending(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sending")
    group.add_argument("--single", action="store_true", help="one call per line, not batches")
    group.add_argument(
        "--batch-size",
        type=_Whole(1, _BATCH_MAX),
        metavar="N",
        default=500,
        help="events per call (default: %(default)s)",
    )
    group.add_argument(
        "--concurrency",
        type=_Whole(1, 512),
        metavar="N",
        default=8,
        help="calls at the same time (default: %(default)s)",
    )
    group.add_argument(
        "--limit-lines", type=_Whole(1, None), metavar="N", help="replay the first N lines only"
    )
    group.add_argument("--run-id", metavar="ID", help="name of the run (default: a random one)")
    group.add_argument(
        "--until", type=_time, metavar="TIME", help="what the latest line becomes (default: now)"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="FILE", help="write the summary for machines")
    group.add_argument(
        "--save-keys", metavar="FILE", help="write the tenants' keys, readable by you alone"
    )


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise argparse.ArgumentTypeError(f"{text!r} is no address like http://127.0.0.1:8000")
    _ = parts.port  # raises ValueError, which argparse reports
    return text


def _time(text: str) -> int:
    try:
        return parse_iso(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-11-21T08:00:00Z") from None


@dataclass(frozen=True, slots=True)
class _Whole:
    """An argument that is a whole number from low to high."""

    low: int
    high: int | None

    def __call__(self, text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if number < self.low or (self.high is not None and number > self.high):
            upper = "" if self.high is None else f" to {self.high}"
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {self.low}{upper}")
        return number
