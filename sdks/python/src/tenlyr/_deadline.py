"""One time-out for a whole try: httpx has one for each of its waits."""

import time
from typing import Any, Dict

import httpx

SOON_S = 0.001


class Deadline(Dict[str, float]):
    """httpx's time-outs, each being what is left of the whole when its wait begins.

    A body that drips and then stops can take up to twice the time-out: httpx asks once for all of
    a body's pieces.
    """

    def __init__(self, timeout_s: float) -> None:
        super().__init__(connect=timeout_s, read=timeout_s, write=timeout_s, pool=timeout_s)
        self._until = time.monotonic() + timeout_s

    def get(self, key: str, default: Any = None) -> Any:
        """What is left, whatever is asked for."""
        return max(self._until - time.monotonic(), SOON_S)

    def check(self, request: httpx.Request) -> None:
        """httpx.ReadTimeout when nothing is left."""
        if time.monotonic() > self._until:
            raise httpx.ReadTimeout("the whole took too long", request=request)
