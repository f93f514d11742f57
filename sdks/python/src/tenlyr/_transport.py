"""Sending a call: tries, waits and time-outs.

The twin without `async` is made from this file by make_sync.py, like those of `_client` and
`resources`.
"""

import asyncio
import time
from typing import Any, Awaitable, Callable, List, Optional, Union

import httpx

from tenlyr import _tries
from tenlyr._calls import Call, Options, Prepared, Reply, prepare
from tenlyr._deadline import Deadline
from tenlyr._errors import TenlyrError, TenlyrNetworkError, TenlyrTimeoutError
from tenlyr._tries import Failure


class AsyncTransport:
    """Sends calls of one client. `http` is the caller's own, or None for a new one."""

    def __init__(
        self,
        options: Options,
        http: Optional[httpx.AsyncClient] = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self.options = options
        self.sleep = sleep
        self.closing: List[Callable[[], Awaitable[None]]] = []
        self._owned = http is None
        self._http = httpx.AsyncClient() if http is None else http

    def with_options(self, options: Options) -> "AsyncTransport":
        """One that does otherwise over the same connections."""
        return AsyncTransport(options, self._http, self.sleep)

    async def aclose(self) -> None:
        """End what uses it; close the connections, unless the caller brought their own."""
        for close in self.closing:
            await close()
        if self._owned:
            await self._http.aclose()

    async def send(self, call: Call) -> Reply:
        """The answer to a call; a `TenlyrError` when there is no good one."""
        sent = prepare(call, self.options)
        attempt = 1
        while True:
            tried = await self._try(sent, attempt)
            if isinstance(tried, Reply):
                return tried
            wait_s = _tries.next_wait_s(tried, attempt, self.options)
            if wait_s is None:
                raise tried.error
            _tries.tell_retry(self.options, sent, attempt, wait_s, tried)
            await self.sleep(wait_s)
            attempt += 1

    async def _try(self, sent: Prepared, attempt: int) -> Union[Reply, Failure]:
        _tries.tell_request(self.options, sent, attempt)
        began = time.monotonic()
        try:
            reply = await self._exchange(sent)
        except httpx.TimeoutException:
            message = f"No whole answer within {self.options.timeout:g} s."
            return Failure(TenlyrTimeoutError(message))
        except httpx.DecodingError:
            return Failure(TenlyrError("The answer's content encoding is broken."))
        except httpx.TransportError as error:
            return Failure(TenlyrNetworkError(f"No whole answer: {type(error).__name__}."))
        _tries.tell_response(self.options, sent, attempt, reply, time.monotonic() - began)
        return _tries.outcome(reply)

    async def _exchange(self, sent: Prepared) -> Reply:
        """One request and the whole of its answer, within the time-out."""
        deadline = Deadline(self.options.timeout)
        request = self._http.build_request(
            sent.method,
            sent.url,
            headers=sent.headers,
            content=sent.content,
            extensions={"timeout": deadline},
        )
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            pieces = []
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                deadline.check(request)
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, b"".join(pieces))
