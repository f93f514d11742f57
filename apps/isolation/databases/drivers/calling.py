"""Asking the operator's hook: a command with the question on stdin, or an HTTP POST that is signed.

Whatever it does, it is bounded: in time, and in how much it may say.
"""

import hashlib
import hmac
import http.client
import os
import shlex
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import IO
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.isolation.databases.errors import DatabaseFailed

MOST_BYTES = 65_536
LOOK_EVERY_S = 0.05
SIGNATURE = "Tenlyr-Signature"
# The command is the operator's, and needs their environment; but no secret of ours.
OURS = {"DATABASE_URL", "DATABASE_POOL_URL", "REDIS_URL", "TENLYR_SECRET_KEY", "TENLYR_ADMIN_KEY"}


def call(hook: str, body: bytes, end: float) -> bytes:
    """What the hook answers to `body` before `end` (monotonic); raises `DatabaseFailed`."""
    if not hook:
        raise DatabaseFailed("TENLYR_DATABASE_HOOK is not set: a command, or an http(s) URL.")
    if hook.startswith(("http://", "https://")):
        return _post(hook, body, end)
    return _run(hook, body, end)


def signature(body: bytes, at: int, secret: str) -> str:
    """`t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">`, as on the webhooks."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={digest.hexdigest()}"


def _run(command: str, body: bytes, end: float) -> bytes:
    file = tempfile.TemporaryFile
    with file() as asked, file() as said, file() as complained:
        asked.write(body)
        asked.seek(0)
        status = _status(command, asked, said, complained, end)
        if status:
            why = _last_line(complained)
            raise DatabaseFailed(f"The database hook ended with status {status}{why}.")
        return _content(said)


def _status(
    command: str, asked: IO[bytes], said: IO[bytes], complained: IO[bytes], end: float
) -> int:
    """Run it in a group of its own, which goes with it whatever it started."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own setting
            shlex.split(command),
            stdin=asked,
            stdout=said,
            stderr=complained,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatabaseFailed(f"The database hook cannot be started: {reason}.") from error
    try:
        while (status := process.poll()) is None:
            if time.monotonic() > end:
                raise _too_late()
            if os.fstat(said.fileno()).st_size + os.fstat(complained.fileno()).st_size > MOST_BYTES:
                raise DatabaseFailed("The database hook says too much: 64 KiB are the most.")
            time.sleep(LOOK_EVERY_S)
        return status
    finally:
        _end_group(process)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):  # nobody of its group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DatabaseFailed("The database hook says too much: 64 KiB are the most.")
    return content


def _last_line(complained: IO[bytes]) -> str:
    lines = _content(complained).decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()[:200].rstrip('.')}" if lines else ""


def _post(url: str, body: bytes, end: float) -> bytes:
    """No redirect is followed: the signed question is for this address."""
    if not settings.DATABASE_HOOK_SECRET:
        raise DatabaseFailed("TENLYR_DATABASE_HOOK_SECRET is not set: it signs each question.")
    parts = urlsplit(url)
    connection = _connection(parts, end)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    signed = signature(body, int(time.time()), settings.DATABASE_HOOK_SECRET)
    headers = {"Content-Type": "application/json", SIGNATURE: signed}
    try:
        connection.request("POST", path, body, headers)
        with connection.getresponse() as answer:
            content = _received(answer, end)
    except TimeoutError as error:
        raise _too_late() from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise DatabaseFailed(f"The database hook cannot be reached: {reason}.") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise DatabaseFailed(f"The database hook answered with status {answer.status}, not 200.")
    return content


def _connection(parts: SplitResult, end: float) -> http.client.HTTPConnection:
    is_tls = parts.scheme == "https"
    kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host:
        raise DatabaseFailed("TENLYR_DATABASE_HOOK is no address that can be called.")
    return kind(host, port, timeout=_left_s(end))


def _received(answer: http.client.HTTPResponse, end: float) -> bytes:
    """The body, however slowly it drips."""
    content = b""
    while part := answer.read1(MOST_BYTES):
        content += part
        if len(content) > MOST_BYTES:
            raise DatabaseFailed("The database hook says too much: 64 KiB are the most.")
        _left_s(end)
    return content


def _left_s(end: float) -> float:
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise _too_late()
    return left_s


def _too_late() -> DatabaseFailed:
    return DatabaseFailed(
        f"The database hook did not answer within {settings.DATABASE_HOOK_TIMEOUT_S} s."
    )
