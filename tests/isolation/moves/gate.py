"""A part that moves nothing, and whose `drop` waits at a gate: the moment before rows go."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from uuid import UUID

from apps.isolation import parts
from apps.isolation.public import Location, Table
from tests.core.threads import BOUND_S, closing


class Gate:
    """Open unless it is told to hold the next one; it stands before all other parts."""

    name = "gate"

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()
        self._places: list[threading.Event] = []
        self.before: Callable[[UUID], None] = lambda tenant_id: None

    def stand(self) -> None:
        """Take the place before the parts that are known."""
        others = parts.parts()
        parts._parts.clear()
        for part in (self, *others):
            parts.register(part)

    @contextmanager
    def holding(self, work: Callable[[], Any]) -> "Iterator[Future[Any]]":
        """`work` in another thread, which stands at the gate inside the block; through after it."""
        self._reached.clear()
        self._open.clear()
        self._places = [self._open]
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(closing(work))
            try:
                assert self._reached.wait(BOUND_S), "nobody came to the gate"
                yield done
            finally:
                self._open.set()
            done.result(BOUND_S)

    def tables(self, tenant_id: UUID, source: Location, target: Location) -> list[Table]:
        return []

    def prepare(self, tenant_id: UUID, source: Location, target: Location) -> None:
        """There is nothing."""

    def hold(self, tenant_id: UUID) -> AbstractContextManager[None]:
        return nullcontext()

    def arrive(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """There is nothing."""

    def leave(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """There is nothing."""

    def drop(self, tenant_id: UUID, location: Location) -> int:
        if self._places:
            opening = self._places.pop()
            self._reached.set()
            assert opening.wait(BOUND_S), "the gate stays closed"
        self.before(tenant_id)
        return 0
