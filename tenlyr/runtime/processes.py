"""Child processes that end with their parent, and the look at processes left by an earlier run."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from tenlyr.runtime.accounts import Account
from tenlyr.runtime.errors import StartFailed

# In the environment of every process of a product, with its TENLYR_HOME beside it.
MARK = "TENLYR_SUPERVISED"
LOG_BYTES = 10_000_000
LOOK_EVERY_S = 0.05
_PR_SET_PDEATHSIG = 1
# Loaded once, here: between fork and exec nothing may import or allocate more than it must.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# The kernel ends a child with the *thread* that made it: this one lives as long as we do.
_maker = ThreadPoolExecutor(1, "children")


def die_with_parent(number: int, parent: int) -> None:
    """Ask the kernel to send us `number` when the parent dies; Linux only, elsewhere a no-op."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def follow_leader() -> None:
    """In a worker of one of our processes: end with the main process, which leads our group.

    The request to end with the parent is not inherited: without this, workers of a web server that
    was killed would go on holding its port.
    """
    if MARK in os.environ and os.getpid() != os.getpgrp():
        die_with_parent(signal.SIGKILL, os.getpgrp())


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
    """Start a child that leads a process group, as `account`; it gets `on_orphaned` when we end."""
    parent = os.getpid()

    def start() -> "subprocess.Popen[bytes]":
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
            preexec_fn=lambda: die_with_parent(on_orphaned, parent),
        )

    is_main = threading.current_thread() is threading.main_thread()
    return start() if is_main else _maker.submit(start).result()


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> tuple[int, str, str]:
    """Run a child to its end; answers its status and what it said on both streams.

    It is ended with us, when we are interrupted, and when its time is over (`StartFailed`).
    """
    pipe = subprocess.PIPE
    with spawn(command, cwd=cwd, env=env, account=account, stdout=pipe, stderr=pipe) as child:
        try:
            said, complained = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            program = Path(command[0]).name
            raise StartFailed(f"{program} took more than {timeout_s:g} s.") from error
        finally:
            if child.poll() is None:
                signal_group(child.pid, signal.SIGKILL)
    return child.returncode, said.decode(errors="replace"), complained.decode(errors="replace")


@contextlib.contextmanager
def log_file(path: Path) -> Iterator[IO[bytes]]:
    """A server's log, appended to; the one before is kept once it has grown large."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    with path.open("ab") as file:
        yield file


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


def inhabitants(folder: Path, program: str) -> list[int]:
    """Processes of `program` whose working directory is `folder`: a data folder's server."""

    def lives_here(entry: Path) -> bool:
        is_it = (entry / "exe").readlink().name.split(" ")[0] == program  # "… (deleted)"
        return is_it and (entry / "cwd").readlink() == folder

    return _such(lives_here)


def supervised(home: Path) -> list[int]:
    """Processes of a product on this data folder, of whatever supervisor."""
    wanted = {f"{MARK}=1".encode(), b"TENLYR_HOME=" + os.fsencode(home)}
    return _such(lambda entry: wanted <= set((entry / "environ").read_bytes().split(b"\0")))


def evict(find: Callable[[], list[int]], *, patience_s: float = 10.0) -> None:
    """Wait until `find` finds no process; end those that outstay `patience_s`.

    They are of a run whose supervisor was killed: the kernel has told them to stop already.
    """
    start = time.monotonic()
    while left := find():
        waited_s = time.monotonic() - start
        if waited_s > 2 * patience_s:
            raise StartFailed(f"Process {left[0]} of an earlier run cannot be ended.")
        for pid in left if waited_s > patience_s else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK_EVERY_S)


def _such(is_such: Callable[[Path], bool]) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        try:
            if pid != os.getpid() and is_such(entry) and birth(pid) is not None:
                found.append(pid)
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return found
