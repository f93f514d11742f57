"""A closed-loop HTTP load: one process, keep-alive raw sockets, requests built beforehand.

Run as a child (`python -m benchmarks.load`, JSON spec on stdin, JSON result on stdout), so that its
CPU is nobody's but its own. Any answer outside 2xx ends the run: a fast refusal is no result.
"""

import json
import resource
import select
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

READ_BYTES = 262_144
PATIENCE_S = 15.0
ID_DIGITS = 12


class LoadFailed(Exception):
    """An answer outside 2xx, a closed connection or silence: the subject did not do its work."""


@dataclass(frozen=True)
class Spec:
    """What to send for how long.

    A template is a request in pieces; between two pieces stands the next id, `id_head` and a number
    in hexadecimal. A template of one piece is sent as it is.
    """

    port: int
    connections: int
    seconds: float
    templates: list[list[str]]
    id_head: str = ""


@dataclass(frozen=True)
class Result:
    """What came back; `ids` were used, numbered from 0, and all of them were answered 2xx."""

    requests: int
    ids: int
    seconds: float
    p50_us: float
    p99_us: float
    client_cpu_s: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def request(path: str, body: str, headers: dict[str, str], port: int) -> str:
    """A POST as text, with its Content-Length; ids may be spliced in where `\\0` stands."""
    length = len(body.encode()) + body.count("\0") * 35
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {length}"]
    lines += ["Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body])


def template(text: str) -> list[str]:
    """A request in pieces around its ids."""
    return text.split("\0")


def run(spec: Spec) -> Result:
    """Apply the load in a child process. Raises `LoadFailed`."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=Path(__file__).parent.parent,
        input=json.dumps(asdict(spec)),
        capture_output=True,
        text=True,
        timeout=spec.seconds + 3 * PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise LoadFailed(done.stderr.strip().splitlines()[-1] if done.stderr else "no reason given")
    return Result(**json.loads(done.stdout))


def requests_of(spec: Spec) -> Iterator[tuple[bytes, int]]:
    """The requests to send, endlessly, each with the count of ids used once it is sent."""
    used = 0
    templates = [[piece.encode() for piece in pieces] for pieces in spec.templates]
    head = spec.id_head.encode()
    while True:
        for pieces in templates:
            if len(pieces) == 1:
                yield pieces[0], used
            elif len(pieces) == 2:
                used += 1
                yield b"%b%b%012x%b" % (pieces[0], head, used - 1, pieces[1]), used
            else:
                first, used = used, used + len(pieces) - 1
                ids = [b"%b%012x" % (head, number) for number in range(first, used)]
                parts = [part for pair in zip(pieces, ids, strict=False) for part in pair]
                yield b"".join([*parts, pieces[-1]]), used


class Connections:
    """The open connections; each carries one request at a time."""

    def __init__(self, port: int, count: int) -> None:
        self._poll = select.epoll()
        self._buffers: dict[int, bytes] = {}
        self.sockets: dict[int, socket.socket] = {}
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)

    def answered(self) -> list[int]:
        """Wait until one or more answers are complete; their connections."""
        if len(self.sockets) == 1:
            # The socket's own time-out does the waiting: one system call less in each round.
            ready = list(self.sockets)
        else:
            ready = [number for number, _ in self._poll.poll(PATIENCE_S)]
            if not ready:
                raise LoadFailed(f"no answer for {PATIENCE_S:.0f} s")
        return [number for number in ready if self._read(number)]

    def _read(self, number: int) -> bool:
        try:
            received = self.sockets[number].recv(READ_BYTES)
        except TimeoutError as error:
            raise LoadFailed(f"no answer for {PATIENCE_S:.0f} s") from error
        if not received:
            raise LoadFailed("the server closed the connection")
        if held := self._buffers.pop(number, b""):
            received = held + received
        if is_complete(received):
            return True
        self._buffers[number] = received
        return False


def is_complete(answer: bytes) -> bool:
    """Whether an answer is all there. Raises `LoadFailed` for one that is not 2xx."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    if answer[9:10] != b"2":
        said = answer[9:600].decode(errors="replace").replace("\r\n", " | ")
        raise LoadFailed(f"answered {said}")
    start = answer.find(b"content-length: ", 0, end)
    if start < 0:
        return _is_last_chunk(answer, end)
    length = int(answer[start + 16 : answer.find(b"\r", start, end + 1)])
    return len(answer) >= end + 4 + length


def _is_last_chunk(answer: bytes, end: int) -> bool:
    if answer.find(b"transfer-encoding: chunked", 0, end) < 0:
        raise LoadFailed("the answer says neither its length nor that it is chunked")
    return answer.endswith(b"\r\n0\r\n\r\n")


def _apply(spec: Spec, clock: Callable[[], int] = time.perf_counter_ns) -> Result:
    connections = Connections(spec.port, spec.connections)
    requests = requests_of(spec)
    sent_at: dict[int, int] = {}
    taken = array("q")
    used = 0
    begin = clock()
    deadline = begin + int(spec.seconds * 1e9)
    for number, connection in connections.sockets.items():
        content, used = next(requests)
        sent_at[number] = clock()
        connection.sendall(content)
    now = begin
    while sent_at:
        for number in connections.answered():
            now = clock()
            taken.append(now - sent_at[number])
            if now >= deadline:
                del sent_at[number]
                continue
            content, used = next(requests)
            sent_at[number] = now
            connections.sockets[number].sendall(content)
    return _result(taken, used, (now - begin) / 1e9)


def _result(taken: Sequence[int], used: int, seconds: float) -> Result:
    ordered = sorted(taken)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Result(
        requests=len(ordered),
        ids=used,
        seconds=seconds,
        p50_us=ordered[len(ordered) // 2] / 1000,
        p99_us=ordered[len(ordered) * 99 // 100] / 1000,
        client_cpu_s=usage.ru_utime + usage.ru_stime,
    )


def main() -> int:
    """The child: spec in, result out; the reason of a failure as the last line on stderr."""
    try:
        result = _apply(Spec(**json.load(sys.stdin)))
    except (LoadFailed, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    json.dump(asdict(result), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
