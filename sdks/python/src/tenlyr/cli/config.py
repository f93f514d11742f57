"""Where `login` keeps the address and the key: a file that only its owner reads."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional

import click

from tenlyr._calls import BASE_URL


@dataclass(frozen=True)
class Login:
    """Where the API is, and the key to use."""

    url: str
    key: str = field(repr=False)


def path() -> Path:
    """The file, under `XDG_CONFIG_HOME`."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "tenlyr" / "login.json"


def save(login: Login) -> None:
    """Keep a login; the file is whole or not there, and never readable by others."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(login), file)
    os.replace(fresh, target)


def forget() -> bool:
    """Remove the login; whether there was one."""
    there = path().exists()
    path().unlink(missing_ok=True)
    return there


def load() -> Optional[Login]:
    """The login: `TENLYR_API_KEY` and `TENLYR_URL` go before what the file says."""
    kept = _kept()
    key = os.environ.get("TENLYR_API_KEY") or kept.get("key")
    url = os.environ.get("TENLYR_URL") or kept.get("url") or BASE_URL
    return Login(url, key) if key else None


def _kept() -> Dict[str, Any]:
    """What the file says; a sentence when it cannot be read."""
    try:
        said = json.loads(path().read_text())
        if isinstance(said, dict) and all(isinstance(one, str) for one in said.values()):
            return said
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        pass  # the sentence below says it, too
    raise click.ClickException(
        f"{path()} cannot be read. Log in anew: tenlyr logout, tenlyr login."
    )
