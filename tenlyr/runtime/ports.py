"""Ports on the loopback address: is one free, find one, keep one."""

import secrets
import socket
from pathlib import Path

HOST = "127.0.0.1"
# Below the range from which the kernel takes the near end of outgoing connections: while a server
# of ours is down, a client that keeps knocking could be given the very port it knocks at.
LOWEST, HIGHEST = 20_000, 32_000


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
    """A port that is free now."""
    for _ in range(200):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def kept(path: Path) -> int:
    """The port written in `path`; chosen on the first call, and again only if someone took it."""
    text = path.read_text().strip() if path.exists() else ""
    if text.isdigit() and is_free(int(text)):
        return int(text)
    port = any_free()
    path.write_text(f"{port}\n")
    return port
