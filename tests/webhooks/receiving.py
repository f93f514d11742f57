"""Receivers of webhooks on this machine: what they answer is scripted, what they got is kept."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Got:
    """One request. `at` is when it had arrived whole (seconds since 1970)."""

    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event_id(self) -> str:
        """Which event it was."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        """The envelope."""
        return json.loads(self.body)


# The status that answers a request; None never answers.
Answer = Callable[[Got], Awaitable[int | None]]


async def ok(_got: Got) -> int:
    """Take everything at once."""
    return 200


def always(status: int) -> Answer:
    """The same answer to everything."""

    async def answer(_got: Got) -> int:
        return status

    return answer


async def never(_got: Got) -> None:
    """A black hole: it takes everything and says nothing."""


class Receivers:
    """An event loop in a thread of its own, with as many receivers as a test needs."""

    def __init__(self) -> None:
        self._all: list[Receiver] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def add(self, answer: Answer = ok, *, keeps: bool = True) -> "Receiver":
        """One more, on a port of its own; without `keeps` it forgets what it got."""
        receiver = Receiver(answer, keeps=keeps)
        self.run(receiver.listen())
        self._all.append(receiver)
        return receiver

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _cancel(self) -> None:
        for receiver in self._all:
            receiver.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Receiver:
    """One receiver; `answer` may be exchanged at any time. `most` were under way at once."""

    def __init__(self, answer: Answer, *, keeps: bool = True) -> None:
        self.answer, self._keeps = answer, keeps
        self.got: list[Got] = []
        self.most = self._under_way = 0
        self.url = ""

    @property
    def ids(self) -> list[str]:
        """The events that came, in the order of their arrival."""
        return [one.event_id for one in self.got]

    async def listen(self) -> None:
        """Open the port."""
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{HOST}:{port}/hook"

    def close(self) -> None:
        """Close the port."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            got = await self._read(reader)
            if self._keeps:
                self.got.append(got)
            status = await self.answer(got)
            if status is None:
                await reader.read()  # until the other side gives up
            else:
                said = f"answer {len(self.got)}"
                writer.write(
                    f"HTTP/1.1 {status} Said\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode()
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side was killed, or gave up
        finally:
            self._under_way -= 1
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Got:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        return Got(headers, body, time.time())
