"""What was looked up a moment ago, bounded in time and number."""

import threading
import time
from collections import OrderedDict
from typing import Callable, Generic, Optional, Tuple, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """Values by text, for `ttl_s` seconds each; the oldest goes when there are `size`."""

    def __init__(
        self, ttl_s: float, size: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl_s = ttl_s
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Tuple[float, V]] = OrderedDict()

    def get(self, name: str) -> Optional[V]:
        """A value that is fresh; None without one."""
        with self._lock:
            until, value = self._kept.get(name, (0.0, None))
            return value if self._clock() < until else None

    def put(self, name: str, value: V) -> None:
        """Keep a value."""
        with self._lock:
            self._kept.pop(name, None)
            self._kept[name] = (self._clock() + self._ttl_s, value)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def forget(self, name: str) -> None:
        """Look it up anew next time."""
        with self._lock:
            self._kept.pop(name, None)
