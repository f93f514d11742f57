"""Keys whose slow hash is made ahead, so that no caller waits for it (X8).

A process keeps some at hand, and makes new ones once nobody has taken one for a moment, with what
the processor has to spare: a burst has it to itself. They are known to nobody before they are given
out, and gone with the process.
"""

import os
import sys
import threading
import time
from collections import deque
from functools import cache

from tenlyr.core import keys
from tenlyr.core.keys import Kind

KEPT = 20  # a burst of callers in one process
QUIET_S = 0.05
LOWEST_PRIORITY = 19

# A key and its slow hash.
Spare = tuple[str, str]


class Spares:
    """Tenants' keys at hand."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._ready: deque[Spare] = deque()
        self._taken = threading.Event()
        threading.Thread(target=self._refill, name="spare-keys", daemon=True).start()

    def take(self) -> Spare | None:
        """One that nobody else gets, or none when others were faster."""
        self._taken.set()
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def _refill(self) -> None:
        if sys.platform == "linux":  # elsewhere a priority is the whole process's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        while self._taken.wait():
            while self._taken.is_set():
                self._taken.clear()
                time.sleep(QUIET_S)
            while len(self._ready) < self._kept:
                raw = keys.generate(Kind.TENANT)
                self._ready.append((raw, keys.slow_hash(raw)))


@cache
def of_this_process() -> Spares:
    """Those of this process, from the first caller on."""
    return Spares()


# A child that had its parent's would give the same keys out once more.
os.register_at_fork(after_in_child=of_this_process.cache_clear)
