"""A progress bar where there is a terminal and ``rich``, plain lines of text elsewhere."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

HAS_RICH = find_spec("rich") is not None  # imported only where it is used: it is optional
Advance = Callable[[int], None]
_STEPS = 10


def is_rich(stream: TextIO) -> bool:
    """Whether bars and coloured tables can be shown on the stream."""
    return HAS_RICH and stream.isatty()


@contextmanager
def progress(title: str, total: int, stream: TextIO) -> Iterator[Advance]:
    """Show how far the work is; the function it yields may be called from any thread."""
    if is_rich(stream):
        with _bar(stream) as bar:
            task = bar.add_task(title, total=total)
            yield lambda done: bar.advance(task, done)
    else:
        yield _PlainLines(title, total, stream).advance


def _bar(stream: TextIO) -> "Progress":
    from rich import progress as parts
    from rich.console import Console

    return parts.Progress(
        parts.TextColumn("{task.description}"),
        parts.BarColumn(),
        parts.MofNCompleteColumn(),
        parts.TimeRemainingColumn(),
        console=Console(file=stream),
    )


class _PlainLines:
    """One line for every tenth of the work."""

    def __init__(self, title: str, total: int, stream: TextIO) -> None:
        self._title, self._total, self._stream = title, total, stream
        self._done = 0
        self._lock = threading.Lock()

    def advance(self, done: int) -> None:
        with self._lock:
            before, self._done = self._done, self._done + done
            if before * _STEPS // self._total < self._done * _STEPS // self._total:
                self._stream.write(f"{self._title}: {self._done} of {self._total}\n")
                self._stream.flush()
