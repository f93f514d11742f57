"""The client: one object with all resources."""

import asyncio
import random as randomness
from types import TracebackType
from typing import Any, Awaitable, Callable, Optional, Type

import httpx

from tenlyr._calls import BASE_URL, Options, RequestInfo, ResponseInfo, RetryInfo
from tenlyr._transport import AsyncTransport
from tenlyr.resources.alerts import Alerts
from tenlyr.resources.billing import Billing
from tenlyr.resources.dataplane import Dataplane
from tenlyr.resources.health import Health
from tenlyr.resources.isolation import Isolation
from tenlyr.resources.ratelimit import Ratelimit
from tenlyr.resources.tenants import Tenants
from tenlyr.resources.usage import Usage
from tenlyr.resources.webhooks import Webhooks


class Tenlyr:
    """A client of one Tenlyr, acting for one key.

    - `api_key`: an admin key, or a tenant's own.
    - `base_url`: where the API is; a path in it is kept.
    - `timeout`: seconds for each try, its body included.
    - `retries`: how many more tries after the first: on 5xx but 501, on 429, and when the network
      failed. Never after a time-out.
    - `retry_delay`: seconds; the wait before try n+1 is `random() * retry_delay * 2**(n-1)`, at
      most 30 s, or what `Retry-After` says, if that is at most 60 s.
    - `on_request`, `on_response`, `on_retry`: called at each try; none sees a key or a body.
    - `random`, `sleep`: for tests.
    - `http_client`: an httpx client of your own, with your proxies and certificates; it stays
      yours to close.

    Every method raises a subclass of `TenlyrError` when it fails.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        base_url: str = BASE_URL,
        timeout: float = 10.0,
        retries: int = 3,
        retry_delay: float = 0.2,
        on_request: Optional[Callable[[RequestInfo], None]] = None,
        on_response: Optional[Callable[[ResponseInfo], None]] = None,
        on_retry: Optional[Callable[[RetryInfo], None]] = None,
        random: Callable[[], float] = randomness.random,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        http_client: Optional[httpx.AsyncClient] = None,
    ) -> None:
        options = Options(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            retries=retries,
            retry_delay=retry_delay,
            random=random,
            on_request=on_request,
            on_response=on_response,
            on_retry=on_retry,
        )
        self._transport = AsyncTransport(options, http_client, sleep)
        self.tenants = Tenants(self._transport)
        self.usage = Usage(self._transport)
        self.health = Health(self._transport)
        self.isolation = Isolation(self._transport)
        self.billing = Billing(self._transport)
        self.alerts = Alerts(self._transport)
        self.ratelimit = Ratelimit(self._transport)
        self.webhooks = Webhooks(self._transport)
        self.dataplane = Dataplane(self._transport)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> "Tenlyr":
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()
