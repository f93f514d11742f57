"""An end to waiting for a server that says nothing more."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg


@contextmanager
def bounded(connection: "psycopg.Connection[Any]", within_s: float) -> Iterator[None]:
    """Hang up after `within_s`: whoever waits for an answer gets an `OperationalError`."""
    timer = threading.Timer(within_s, _hang_up, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: "psycopg.Connection[Any]") -> None:
    # It may have been closed this very moment: then there is nobody to wake.
    with suppress(OSError, psycopg.Error):
        line = socket.socket(fileno=os.dup(connection.fileno()))
        with line:
            line.shutdown(socket.SHUT_RDWR)
