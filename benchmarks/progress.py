"""One line that says what is being measured: rewritten on a terminal, a line a step elsewhere."""

import sys
import time
from typing import TextIO

WIDTH = 110


class Progress:
    """Where the run is, on stderr, so that stdout holds nothing but results."""

    def __init__(self, steps: int, out: TextIO = sys.stderr) -> None:
        self._steps, self._out = steps, out
        self._step, self._title = 0, ""
        self._begin = time.monotonic()
        self._is_terminal = out.isatty()

    def begin(self, title: str) -> None:
        """The next step."""
        self._step += 1
        self._title = title
        self.say("")

    def say(self, what: str) -> None:
        """What the step is doing now."""
        elapsed = int(time.monotonic() - self._begin)
        clock = f"{elapsed // 60}:{elapsed % 60:02d}"
        line = f"[{self._step}/{self._steps}] {clock} {self._title}{': ' if what else ''}{what}"
        if self._is_terminal:
            self._out.write(f"\r{line[:WIDTH]:<{WIDTH}}")
        else:
            self._out.write(line + "\n")
        self._out.flush()

    def clear(self) -> None:
        """Make room for results."""
        if self._is_terminal:
            self._out.write("\r" + " " * WIDTH + "\r")
            self._out.flush()
