"""One call by either client, the same way, its waits only written down."""

import asyncio
from typing import Any

from replaying import KEYS

from tenlyr import Tenlyr, TenlyrSync

KINDS = ("async", "sync")


class Caller:
    """A client of a kind against a server, whose waits are only written down."""

    def __init__(self, kind: str, url: str, **options: Any) -> None:
        self.kind = kind
        self.waits_ms: list[float] = []
        usual = {"api_key": KEYS["$ADMIN"], "base_url": url, "random": lambda: 1.0}
        self._options = {**usual, **options}

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """`tenants.get` and the like."""
        resource, name = method.split(".")
        if self.kind == "async":
            return asyncio.run(self._call(resource, name, args, kwargs))
        with TenlyrSync(**self._options, sleep=self._waited) as client:
            return getattr(getattr(client, resource), name)(*args, **kwargs)

    async def _call(self, resource: str, name: str, args: Any, kwargs: Any) -> Any:
        async def sleep(wait_s: float) -> None:
            self._waited(wait_s)

        async with Tenlyr(**self._options, sleep=sleep) as client:
            return await getattr(getattr(client, resource), name)(*args, **kwargs)

    def _waited(self, wait_s: float) -> None:
        self.waits_ms.append(round(wait_s * 1000, 6))
