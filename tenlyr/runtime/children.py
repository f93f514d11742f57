"""A child process of the supervisor: it can be asked to leave, and is made to when it stays."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable

from tenlyr.runtime.processes import LOOK_EVERY_S, signal_group


class Child:
    """What the supervisor looks after. It leads a process group of its own.

    `stop_signal` asks it to leave; when `grace_s` is over it gets `last_signal`, and what is left
    of its group `last_grace_s` later is killed.
    """

    name: str
    process: "subprocess.Popen[bytes] | None" = None
    stop_signal: int = signal.SIGTERM
    last_signal: int = signal.SIGKILL
    last_grace_s: float = 5.0
    grace_s: float = 15.0

    def start(self) -> None:
        """Start it; whoever must wait until it is ready waits here. Raises `StartFailed`."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask it to leave and see it off."""
        end = time.monotonic() + self.grace_s
        self.ask()
        self.leave(lambda: time.monotonic() < end)

    def ask(self) -> None:
        """Ask it to leave; does not wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def leave(self, is_patient: Callable[[], bool]) -> bool:
        """Wait for it to go, while `is_patient`; then it is ended. Answers whether it left itself.

        Raises `subprocess.TimeoutExpired` when even the kernel cannot end it.
        """
        has_left = self._gone_while(is_patient)
        if not has_left and self.process is not None and self.last_signal != signal.SIGKILL:
            self.process.send_signal(self.last_signal)
            end = time.monotonic() + self.last_grace_s
            self._gone_while(lambda: time.monotonic() < end)
        self.bury()
        return has_left

    def bury(self) -> None:
        """End what is left of the group: a web server's workers outlive its main process."""
        if self.process is not None:
            signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def _gone_while(self, is_patient: Callable[[], bool]) -> bool:
        if self.process is None:
            return True
        while is_patient():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LOOK_EVERY_S)
                return True
        return self.process.poll() is not None
