"""One body of code for two ways to wait: on an event loop, or blocking the thread at hand."""

from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def finish(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine, none of whose awaits leaves the thread, to its result."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine waited for an event loop where there is none")
