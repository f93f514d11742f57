"""Ports on the loopback address: is one free, find one, keep one."""

import os
import secrets
import socket
import threading
from pathlib import Path

HOST = "127.0.0.1"
# Below the range from which the kernel takes the near end of outgoing connections: while a server
# of ours is down, a client that keeps knocking could be given the very port it knocks at.
LOWEST, HIGHEST = 20_000, 32_000

_lock = threading.Lock()
# What this process was given already: whoever asked listens there a moment later.
_given: set[int] = set()


def bind_error(port: int) -> OSError | None:
    """Why nobody could listen on the port now; None when it is free.

    SO_REUSEPORT is left off on purpose: with it, a second Tenlyr would silently share the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error
    return None


def is_free(port: int) -> bool:
    """Whether we can listen on the port."""
    return bind_error(port) is None


def any_free() -> int:
    """A port that is free now, that this process was not given before and that is not `PORT`, on
    which the web will listen once all else runs.
    """
    for _ in range(200):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with _lock:
            if port not in _given and not _is_the_webs(port) and is_free(port):
                _given.add(port)
                return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def kept(path: Path) -> int:
    """The port written in `path`; chosen on the first call, and again only if someone took it."""
    text = path.read_text().strip() if path.exists() else ""
    if text.isdigit() and not _is_the_webs(int(text)) and is_free(int(text)):
        return int(text)
    port = any_free()
    path.write_text(f"{port}\n")
    return port


def _is_the_webs(port: int) -> bool:
    return os.environ.get("PORT", "") == str(port)
