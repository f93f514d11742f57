"""Child processes: the product's and the baselines', each started and ended alike."""

import http.client
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from tenlyr.env import BASE_DIR
from tenlyr.runtime import ports
from tenlyr.runtime.supervisor import Command, environment

START_TIMEOUT_S = 60
LINES_SHOWN = 5


class SubjectFailed(Exception):
    """A process that is to be measured does not run, or does not do its work."""


class Running:
    """A child process while the `with` block runs. `port` is where it serves, 0 if it does not."""

    def __init__(
        self, name: str, command: Sequence[str], settings: Mapping[str, str], port: int = 0
    ) -> None:
        self.name, self.port = name, port
        self.lines: list[str] = []
        self._child = Command(name, command, environment(**settings), BASE_DIR, self._note)

    def __enter__(self) -> Self:
        self._child.start()
        try:
            if self.port:
                self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process' id; raises `SubjectFailed` when it has ended."""
        process = self._child.process
        if process is None or process.poll() is not None:
            raise SubjectFailed(f"{self.name} ended: {self.said()}")
        return process.pid

    def stop(self) -> None:
        """End it with its group."""
        self._child.stop()

    def said(self) -> str:
        """Its last lines."""
        return " | ".join(self.lines[-LINES_SHOWN:])

    def _note(self, name: str, line: str) -> None:
        self.lines.append(line)
        del self.lines[:-LINES_SHOWN]

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            if self.pid and answers(self.port):
                return
            time.sleep(0.05)
        raise SubjectFailed(f"{self.name} did not answer in time: {self.said()}")


def answers(port: int) -> bool:
    """Whether an HTTP server answers anything at all there."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=5)
    try:
        connection.request("GET", "/livez")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
