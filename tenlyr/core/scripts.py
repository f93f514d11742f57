"""Lua scripts: read once, run by the name under which Redis remembers them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenlyr.core import redis
from tenlyr.core.redis import Ask


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the name by which Redis remembers it."""

    text: bytes
    sha: bytes


def load(path: Path) -> Script:
    """The script in a file."""
    text = path.read_bytes()
    return Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())


async def run(script: Script, arguments: Sequence[bytes | str | int], ask: Ask) -> Any:
    """The script's answer to `arguments` (number of keys, keys, values); raises `RedisError`."""
    try:
        return await ask(b"EVALSHA", script.sha, *arguments)
    except redis.NoScriptError:
        # Nothing ran: EVAL runs the script and remembers it.
        return await ask(b"EVAL", script.text, *arguments)
