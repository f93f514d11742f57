"""Receivers of the tests' own on loopback: one that speaks HTTP, one that takes mail."""

import json
import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass(frozen=True)
class Got:
    """One POST as it came; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Sink:
    """What came, and what is answered: the statuses of `answers` first, then always 200."""

    got: list[Got] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    port: int = 0

    def url(self, path: str = "/hook") -> str:
        """An address of this receiver."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Got]:
        """What came to one of its addresses."""
        return [one for one in self.got if one.path == path]


@contextmanager
def listening() -> Iterator[Sink]:
    """An HTTP receiver."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            sink.got.append(Got(self.path, named, body))
            self.send_response(sink.answers.popleft() if sink.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the tests' screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.port = server.server_port
    with _running(server):
        yield sink


@dataclass
class Mailbox:
    """The mails that came; an address in `refused` is not taken."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    port: int = 0


class MailServer(socketserver.ThreadingTCPServer):
    """Listens for mail, for one box."""

    def __init__(self, box: Mailbox) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.box = box
        box.port = self.server_address[1]


class MailHandler(socketserver.StreamRequestHandler):
    """As much SMTP as a client needs."""

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline():
            text = line.decode().strip()
            self._say(self._answer(text))
            if text.upper() == "QUIT":
                return

    def _answer(self, line: str) -> str:
        box = cast(MailServer, self.server).box
        if line.upper().startswith("RCPT TO:"):
            address = line[8:].split(">")[0].strip(" <")
            if address in box.refused:
                return "550 nobody of that name"
            box.recipients.append(address)
        if line.upper() == "DATA":
            self._say("354 go on")
            box.mails.append(self._read())
        return "250 ok"

    def _read(self) -> EmailMessage:
        lines = list(iter(self.rfile.readline, b".\r\n"))
        whole = b"".join(line[line.startswith(b"..") :] for line in lines)
        read = message_from_bytes(whole.replace(b"\r\n", b"\n"), policy=policy.default)
        return cast(EmailMessage, read)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server that takes mail."""
    box = Mailbox()
    with _running(MailServer(box)):
        yield box


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
