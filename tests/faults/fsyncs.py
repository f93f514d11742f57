"""Watches a server's system calls: was the append-only file on disk before each reply went out?"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WATCHED = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"
READS = {"read", "readv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "sendto", "sendmsg"}
SYNCS = {"fsync", "fdatasync"}
# How the hot path asks: nothing else of the product's sends this command to Valkey in these tests.
REQUEST = "EVALSHA"
FILE = "appendonly"
ATTACH_TIMEOUT_S = 60.0

LINE = re.compile(r"(?P<thread>\d+) +(?P<at>\d+\.\d+) (?P<what>.*)")
BEGUN = re.compile(r"(?P<name>\w+)\((?P<fd>\d+)<(?P<target>.*?)>(?=[,) ])(?P<rest>.*)")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
RESULT = re.compile(r"\) += (?P<result>-?\d+).*<(?P<took>\d+\.\d+)>$")
UNFINISHED = "<unfinished ...>"


@dataclass(slots=True)
class SystemCall:
    """One system call: when it began and ended (epoch seconds), on what, with what outcome."""

    name: str
    fd: int
    target: str
    detail: str
    began: float
    ended: float = 0.0
    result: int | None = None

    @property
    def is_request(self) -> bool:
        """Whether the server took a tracking call from a connection."""
        return self.name in READS and REQUEST in self.detail

    @property
    def is_sync(self) -> bool:
        """Whether the append-only file was brought to disk."""
        return self.name in SYNCS and FILE in self.target and self.result == 0

    @property
    def is_append(self) -> bool:
        """Whether the append-only file was written to."""
        return self.name in WRITES and FILE in self.target


def parse(lines: Sequence[str]) -> list[SystemCall]:
    """The calls in strace's output (`-f -y -ttt -T`), by their beginning.

    A call that another thread's line cuts in two is put together again.
    """
    calls: list[SystemCall] = []
    open_calls: dict[str, SystemCall] = {}
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        thread, at, what = found["thread"], float(found["at"]), found["what"]
        if begun := BEGUN.match(what):
            call = SystemCall(
                begun["name"], int(begun["fd"]), begun["target"], begun["rest"], began=at
            )
            calls.append(call)
            rest = begun["rest"]
            if UNFINISHED in rest:
                open_calls[thread] = call
                continue
        elif (resumed := RESUMED.match(what)) and thread in open_calls:
            call, rest = open_calls.pop(thread), resumed["rest"]
            call.detail += rest
        else:
            continue
        if result := RESULT.search(rest):
            call.result = int(result["result"])
            call.ended = call.began + float(result["took"])
    return sorted(calls, key=lambda call: call.began)


def unsynced(calls: Sequence[SystemCall], windows: Sequence[tuple[float, float]]) -> list[str]:
    """What is wrong with each of the requests that were answered in `windows` (sent, received).

    Right is: request read, file appended to, file synced, and only then the reply written.
    """
    found = []
    for sent, received in windows:
        within = [call for call in calls if sent <= call.began <= received]
        if reason := _fault(within):
            found.append(f"{sent:.6f}: {reason}")
    return found


def _fault(calls: Sequence[SystemCall]) -> str:
    requests = [place for place, call in enumerate(calls) if call.is_request]
    if len(requests) != 1:
        return f"{len(requests)} requests were read"
    after = calls[requests[0] + 1 :]
    line = calls[requests[0]].fd
    reply = next((call for call in after if call.name in WRITES and call.fd == line), None)
    if reply is None:
        return "no reply was written"
    before = [call for call in after if call.began < reply.began]
    appends = [call.began for call in before if call.is_append]
    if not appends:
        return "the reply went out before the file was written"
    if not any(
        call.is_sync and appends[0] < call.began and call.ended <= reply.began for call in before
    ):
        return "the reply went out before the file was synced"
    return ""


class NotAllowed(Exception):
    """The system forbids looking into a process that is not strace's own child."""


@contextmanager
def traced(strace: str, pid: int, output: Path) -> Iterator[None]:
    """Write the system calls of a process to `output` while the context lasts."""
    with output.with_suffix(".said").open("w+") as said:
        command = [strace, "-f", "-y", "-ttt", "-T", "-s", "64", "-e", f"trace={WATCHED}"]
        tracer = subprocess.Popen(
            [*command, "-o", str(output), "-p", str(pid)], stderr=said, stdin=subprocess.DEVNULL
        )
        try:
            _wait_until_attached(pid, tracer, output.with_suffix(".said"))
            yield
        finally:
            if tracer.poll() is None:
                tracer.send_signal(signal.SIGINT)
            tracer.wait(ATTACH_TIMEOUT_S)


def _wait_until_attached(pid: int, tracer: "subprocess.Popen[bytes]", said: Path) -> None:
    """Every thread of the process has a tracer."""
    end = time.monotonic() + ATTACH_TIMEOUT_S
    while not all(_is_traced(pid, thread) for thread in os.listdir(f"/proc/{pid}/task")):
        if tracer.poll() is not None and "not permitted" in said.read_text():
            raise NotAllowed(said.read_text())
        if tracer.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"strace does not attach: {said.read_text()}")
        time.sleep(0.01)


def _is_traced(pid: int, thread: str) -> bool:
    status = Path(f"/proc/{pid}/task/{thread}/status").read_text()
    return "TracerPid:\t0\n" not in status
