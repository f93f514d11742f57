"""Looking up the addresses of a name, so that a slow one holds up nobody else."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress

Resolver = Callable[[str], Awaitable[list[str]]]

# The system's resolver blocks a thread for as long as a name server pleases (10 s and more). Each
# name has at most one such thread, and at most so many names have one at the same time.
MOST_AT_ONCE = 128

_lock = threading.Lock()
_going: dict[str, "Future[list[str]]"] = {}


async def look_up(name: str) -> list[str]:
    """All addresses of the name, as text; who asks while it is being looked up shares the answer.

    Raises `socket.gaierror` when there are none. A caller may give up at any time.
    """
    lookup = _started(name)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell(_: "Future[list[str]]") -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(told.set)

    lookup.add_done_callback(tell)
    await told.wait()
    return lookup.result()


def _started(name: str) -> "Future[list[str]]":
    with _lock:
        if name in _going:
            return _going[name]
        if len(_going) >= MOST_AT_ONCE:
            raise socket.gaierror(socket.EAI_AGAIN, "too many names are being looked up")
        lookup: Future[list[str]] = Future()
        # A daemon: a process that ends does not wait for a name server.
        threading.Thread(target=_work, args=(name, lookup), daemon=True, name="look-up").start()
        _going[name] = lookup
    return lookup


def _work(name: str, lookup: "Future[list[str]]") -> None:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        answer: list[str] | Exception = list(dict.fromkeys(str(one[4][0]) for one in found))
    except (OSError, UnicodeError) as error:  # the latter: a label that is too long for it
        answer = error if isinstance(error, OSError) else socket.gaierror(str(error))
    finally:
        with _lock:
            _going.pop(name, None)
    if isinstance(answer, Exception):
        lookup.set_exception(answer)
    else:
        lookup.set_result(answer)
