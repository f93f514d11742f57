"""The load: what it sends, what it counts, and that nothing but 2xx passes for work."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from uuid import UUID

import pytest

from benchmarks import load
from benchmarks.rounds import id_head
from benchmarks.stats import percentile

GOOD = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"
HEAD = id_head(7)


class Scripted:
    """A server that answers every request with the next of its answers; None hangs up."""

    def __init__(self, answer: Callable[[int], bytes | None]) -> None:
        self.answer, self.requests = answer, list[bytes]()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # A load that has failed drops its connections at once.
        with connection, suppress(ConnectionError):
            while request := connection.recv(65_536):
                with self._lock:
                    self.requests.append(request)
                    answer = self.answer(len(self.requests))
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Scripted]]:
    servers: list[Scripted] = []

    def serve_(answer: Callable[[int], bytes | None]) -> Scripted:
        servers.append(Scripted(answer))
        return servers[-1]

    yield serve_
    for server in servers:
        server.close()


def spec(port: int, seconds: float = 60) -> load.Spec:
    """For as long as nothing ends it."""
    text = load.request("/track", '{"a": 1}', {"Idempotency-Key": "\0"}, port)
    return load.Spec(port, 2, seconds, [load.template(text)], HEAD)


def test_every_answer_is_counted_and_every_id_is_used_once(
    serve: Callable[..., Scripted],
) -> None:
    server = serve(lambda _: GOOD)
    result = load.run(spec(server.port, 2))
    assert result.requests == result.ids == len(server.requests) > 2
    sent = [request.split(b"Idempotency-Key: ")[1][:36].decode() for request in server.requests]
    assert {str(UUID(text)) for text in sent} == {f"{HEAD}{n:012x}" for n in range(result.ids)}
    assert result.rate == pytest.approx(result.requests / result.seconds)
    assert 0 < result.p50_us <= result.p99_us


def test_a_refusal_ends_the_run_and_is_quoted(serve: Callable[..., Scripted]) -> None:
    refusal = b"HTTP/1.1 429 Too Many\r\ncontent-length: 9\r\n\r\nslow down"
    server = serve(lambda number: refusal if number == 3 else GOOD)
    with pytest.raises(load.LoadFailed, match=r"429 Too Many.*slow down"):
        load.run(spec(server.port))


def test_a_closed_connection_ends_the_run(serve: Callable[..., Scripted]) -> None:
    server = serve(lambda number: None if number == 3 else GOOD)
    with pytest.raises(load.LoadFailed, match="closed the connection"):
        load.run(spec(server.port))


def test_nobody_there_ends_the_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(load.LoadFailed, match="ConnectionRefused"):
        load.run(spec(port))


@pytest.mark.parametrize(
    ("answer", "is_whole"),
    [
        (GOOD, True),
        (GOOD[:-1], False),
        (GOOD[:20], False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
    ],
)
def test_an_answer_is_whole_when_its_last_byte_is_there(answer: bytes, is_whole: bool) -> None:
    assert load.is_complete(answer) is is_whole


def test_an_answer_that_hides_its_length_is_refused() -> None:
    with pytest.raises(load.LoadFailed, match="length"):
        load.is_complete(b"HTTP/1.1 200 OK\r\n\r\n{}")


def test_a_batch_has_an_id_in_each_of_its_places() -> None:
    text = load.request("/batch", '[{"id":"\0"},{"id":"\0"}]', {}, 80)
    batch = load.Spec(80, 1, 1.0, [load.template(text)], HEAD)
    (first, used), (second, used_after) = islice(load.requests_of(batch), 2)
    body = b'[{"id":"%b%012x"},{"id":"%b%012x"}]'
    head = HEAD.encode()
    assert first.endswith(body % (head, 0, head, 1))
    assert second.endswith(body % (head, 2, head, 3))
    assert (used, used_after) == (2, 4)
    assert b"Content-Length: %d\r\n" % len(body % (head, 0, head, 1)) in first


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99)) == (50.0, 99.0)
    assert percentile([7.0], 99) == 7.0
