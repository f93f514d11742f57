"""Reads the environment: every setting of Tenlyr comes from here, and each mistake is named in one
sentence.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A setting is missing or wrong; the text is the one sentence that says so."""


def home() -> Path:
    """The data folder (`TENLYR_HOME`, default `.tenlyr` beside `manage.py`)."""
    return Path(os.environ.get("TENLYR_HOME") or BASE_DIR / ".tenlyr").absolute()


def load_running(environ: "os._Environ[str]" = os.environ) -> None:
    """Fill what is unset from `run.env`, which a running product keeps in its data folder."""
    path = home() / "run.env"
    if environ.get("DATABASE_URL") or not os.access(path, os.R_OK):
        return
    for line in path.read_text().splitlines():
        name, found, value = line.partition("=")
        if found and not line.startswith("#"):
            environ.setdefault(name, value)


def text(name: str, default: str = "") -> str:
    """The setting as it stands; an empty one counts as unset."""
    return os.environ.get(name) or default


def integer(name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
    """A whole number between `least` and `most`."""
    raw = text(name)
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        raise SettingError(f"{name} must be a whole number from {least} to {most}, not {raw!r}.")
    return int(raw)


def flag(name: str, default: bool = False) -> bool:
    """`1/true/yes/on` or `0/false/no/off`."""
    raw = text(name).lower()
    if not raw:
        return default
    if raw not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise SettingError(f"{name} must be true or false, not {raw!r}.")
    return raw in {"1", "true", "yes", "on"}


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """A comma-separated list of networks in CIDR notation."""
    try:
        return tuple(ip_network(word) for word in words(name))
    except ValueError as error:
        raise SettingError(f"{name} must list networks such as 10.1.0.0/16: {error}.") from error


def ports(name: str, default: str) -> tuple[int, ...]:
    """A comma-separated list of ports."""
    found = words(name, default)
    if not all(re.fullmatch("[0-9]{1,5}", one) and 0 < int(one) < 65536 for one in found):
        raise SettingError(f"{name} must list ports from 1 to 65535, not {text(name)!r}.")
    return tuple(int(one) for one in found)


def url(name: str, schemes: Mapping[str, int]) -> SplitResult | None:
    """An address with one of `schemes` (each with its default port), or None when unset."""
    raw = text(name)
    if not raw:
        return None
    try:
        parts = urlsplit(raw)
        port_is_fine = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_is_fine, parts = False, SplitResult("", "", "", "", "")
    if parts.scheme not in schemes or not parts.hostname or not port_is_fine:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise SettingError(f"{name} must be an address that begins with {wanted} and names a host.")
    return parts


def password_of(parts: SplitResult) -> str:
    """The password in an address, with its escapes undone."""
    return unquote(parts.password or "")
