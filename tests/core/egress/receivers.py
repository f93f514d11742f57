"""Receivers of the tests' own: real TCP servers on loopback, each with a manner of its own."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
HANGS_UP = (OSError, ssl.SSLError)


class Caller:
    """One accepted connection, as a receiver's manner sees it."""

    def __init__(self, sock: socket.socket, over: threading.Event) -> None:
        self.sock = sock
        self.over = over

    def heard(self) -> bytes:
        """The request, head and body."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        while len(body) < _length(head):
            body += self._more()
        return head + b"\r\n\r\n" + body

    def say(self, data: bytes) -> None:
        """Send it."""
        self.sock.sendall(data)

    def hold(self) -> None:
        """Say nothing more, and stay until the test is over."""
        self.over.wait()

    def drip(self, data: bytes, every_s: float = 0.02) -> None:
        """A byte at a time."""
        for byte in data:
            self.say(bytes([byte]))
            if self.over.wait(every_s):
                return

    def pour(self, data: bytes) -> None:
        """The same again and again, without end."""
        while not self.over.is_set():
            self.say(data)

    def reset(self) -> None:
        """Cut the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self) -> bytes:
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionResetError
        return data


Manner = Callable[[Caller], None]


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


class Receiver:
    """A listening socket; every caller is treated alike, in a thread of its own."""

    def __init__(
        self,
        manner: Manner,
        *,
        host: str = HOST,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.manner, self.tls = manner, tls
        self.requests: list[bytes] = []
        self.accepted = 0
        self._over = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family)
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, path: str = "/hook", *, host: str = HOST) -> str:
        """Its address."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def close(self) -> None:
        """Let everybody go."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(20)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            thread = threading.Thread(target=self._treat, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _treat(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        with contextlib.suppress(*HANGS_UP), sock:
            if self.tls is not None:
                with self.tls.wrap_socket(sock, server_side=True) as safe:
                    self._serve(Caller(safe, self._over))
            else:
                self._serve(Caller(sock, self._over))

    def _serve(self, caller: Caller) -> None:
        self.requests.append(caller.heard())
        self.manner(caller)


def answer(status: str, *lines: str, body: bytes = b"") -> Manner:
    """A manner: one answer with that status, and the connection ends."""
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return lambda caller: caller.say("\r\n".join(head).encode() + body)


def saying(data: bytes) -> Manner:
    """A manner: these bytes, and the connection ends."""
    return lambda caller: caller.say(data)


@contextlib.contextmanager
def receiver(
    manner: Manner, *, host: str = HOST, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    made = Receiver(manner, host=host, port=port, tls=tls)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def on_6_alone(manner: Manner) -> Iterator[Receiver]:
    """A receiver on `::1`, at a port of which nobody listens on 127.0.0.1."""
    while True:
        with socket.socket() as held, contextlib.ExitStack() as stack:
            held.bind((HOST, 0))
            try:
                port = held.getsockname()[1]
                made = stack.enter_context(receiver(manner, host="::1", port=port))
            except OSError:  # somebody else has this port there
                continue
            yield made
            return


class Canary:
    """A server that nobody may call: it counts the connections that it gets."""

    def __init__(self, host: str = HOST, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family)
        self._listening.setblocking(False)
        self.host = host
        self.port: int = self._listening.getsockname()[1]

    def callers(self) -> int:
        """How many connected since the last look: the kernel has accepted them, asked or not."""
        count = 0
        while True:
            try:
                sock, _ = self._listening.accept()
            except BlockingIOError:
                return count
            sock.close()
            count += 1

    def close(self) -> None:
        """It listens no more."""
        self._listening.close()


@contextlib.contextmanager
def canary(host: str = HOST, port: int = 0) -> Iterator[Canary]:
    """A canary for the length of a block, which fails when somebody called."""
    made = Canary(host, port)
    try:
        yield made
        assert made.callers() == 0
    finally:
        made.close()


@contextlib.contextmanager
def canaries() -> Iterator[Canary]:
    """Two at one port, on both loopback addresses."""
    while True:
        with canary() as four, contextlib.ExitStack() as stack:
            try:
                stack.enter_context(canary("::1", four.port))
            except OSError:  # somebody else has this port there
                continue
            yield four
            return
