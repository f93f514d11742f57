"""The event loop's door to Redis: one connection, and every command that is ready in a turn of the
loop goes out in one write.

Commands that travel together share a wake-up of the server and, with `appendfsync always`, its one
sync before their answers. `redis.command` is the same for a thread.
"""

import asyncio
from collections import deque
from weakref import WeakKeyDictionary

import hiredis
from django.conf import settings

from tenlyr.core import redis
from tenlyr.core.redis import ResponseError, reply_error

_MORE = object()


class _Wire(asyncio.Protocol):
    """A connection that is logged in. Answers come in the order of the questions."""

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter) -> None:
        # The writer hangs up when it is collected; but for that, its transport is all we need.
        self._loop, self._writer, self._transport = loop, writer, writer.transport
        self._transport.set_protocol(self)
        self._reader = hiredis.Reader(replyError=reply_error, notEnoughData=_MORE)
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[object], float]] = deque()
        self._patience_s = settings.REDIS_TIMEOUT_S
        self._watched = False
        self.is_lost = False

    def ask(self, args: tuple[bytes | str | int, ...]) -> asyncio.Future[object]:
        """Send a command with all others of this turn; its answer is the future's result."""
        future = self._loop.create_future()
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(args))  # type: ignore[arg-type]
        self._waiting.append((future, self._loop.time()))
        if not self._watched:
            self._watched = True
            self._loop.call_later(self._patience_s, self._watch)
        return future

    def _send(self) -> None:
        if not self.is_lost:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        """The transport's: answers came."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not _MORE:
            future, _ = self._waiting.popleft()
            if not future.done():  # whoever asked may have gone
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport's: nobody who waits will hear an answer."""
        self._fail(redis.ConnectionError("Redis closed the connection"))

    def _watch(self) -> None:
        """One timer for all: the oldest question decides."""
        self._watched = bool(self._waiting) and not self.is_lost
        if not self._watched:
            return
        left = self._waiting[0][1] + self._patience_s - self._loop.time()
        if left > 0:
            self._loop.call_later(left, self._watch)
        else:
            self._fail(redis.TimeoutError("Redis did not answer in time"))
            # Never used again: a late answer could be taken for that of another question.
            self._transport.abort()

    def _fail(self, error: redis.RedisError) -> None:
        self.is_lost = True
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)


class _Door:
    """One event loop's connection, made when it is needed and again after it was lost."""

    def __init__(self) -> None:
        self._connecting = asyncio.Lock()
        self.wire: _Wire | None = None

    async def open(self) -> _Wire:
        """A connection that works as far as one can know; raises `RedisError`."""
        async with self._connecting:
            if self.wire is None or self.wire.is_lost:
                self.wire = _Wire(asyncio.get_running_loop(), await redis.connected())
            return self.wire


_doors: WeakKeyDictionary[asyncio.AbstractEventLoop, _Door] = WeakKeyDictionary()


async def command(*args: bytes | str | int) -> object:
    """One command on the running loop's connection; raises `RedisError`.

    Nothing is sent twice: what became of a command whose answer did not come is unknown.
    """
    loop = asyncio.get_running_loop()
    door = _doors.get(loop)
    if door is None:
        door = _doors[loop] = _Door()
    wire = door.wire
    if wire is None or wire.is_lost:
        wire = await door.open()
    answer = await wire.ask(args)
    if isinstance(answer, ResponseError):
        raise answer
    return answer
