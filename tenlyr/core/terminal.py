"""Long work on the terminal: a bar of rows, the step it is at, the time it took."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Called with the step, the rows done and the rows in all, 0 while they are not counted.
ShowRows = Callable[[str, int, int], None]


@contextmanager
def rows_bar() -> Iterator[ShowRows]:
    """Call what it gives whenever there is news. It writes to stderr: stdout is for results."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("started", total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, description=step or "started", completed=done, total=total or None)

        yield show
