"""Child processes that end with their parent, and the look at processes left by an earlier run."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from tenlyr.runtime.accounts import Account

_PR_SET_PDEATHSIG = 1
# Loaded once, here: between fork and exec nothing may import or allocate more than it must.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(number: int, parent: int) -> None:
    """Ask the kernel to send us `number` when the parent dies; Linux only, elsewhere a no-op."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def _before_exec(number: int) -> Callable[[], None]:
    parent = os.getpid()
    return lambda: die_with_parent(number, parent)


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = subprocess.STDOUT,
    on_orphaned: int = signal.SIGTERM,
) -> "subprocess.Popen[bytes]":
    """Start a child in a process group of its own, as `account`, ended when its parent thread ends.

    The kernel ties the promise to the *thread* that calls: call from one that lives as long as the
    child shall.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        # After setuid, because a change of user clears the request.
        preexec_fn=_before_exec(on_orphaned),
    )


def signal_group(group: int, number: int) -> None:
    """Signal a whole process group; one that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def birth(pid: int) -> str | None:
    """The start time of a process: with its pid, its identity. None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def inhabitants(folder: Path) -> list[int]:
    """Processes whose working directory is `folder`: how a server's data folder names its
    server.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder and birth(int(entry.name)) is not None:
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return found


def evict(folder: Path, *, patience_s: float = 10.0) -> None:
    """Wait until no process lives in `folder`; end those that outstay `patience_s`.

    They are the servers of a run whose supervisor was killed: already told to stop by the kernel.
    """
    end = time.monotonic() + patience_s
    while left := inhabitants(folder):
        if time.monotonic() > end:
            for pid in left:
                _kill(pid)
        time.sleep(0.05)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
