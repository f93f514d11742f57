"""Ports on the loopback address: is one free, find one, keep one."""

import socket
from pathlib import Path

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nobody listens on the port.

    SO_REUSEPORT is left off on purpose: with it, a second Tenlyr would silently share the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """A port that is free now."""
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
