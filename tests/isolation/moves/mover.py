"""A process that runs moves in children of its own and lets them die where it is told to.

One line in, one line out: `MOVE_ID [STEP NUMBER]` runs the move and kills the child with SIGKILL
right before the statement NUMBER of STEP, or at the end of the step where that has fewer; the
answer is the child's end and its count of statements by step. Children are forked, so that a death
costs no start of Python.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Self
from uuid import UUID


class Mover:
    """The process, from the test's side."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.isolation.moves.mover"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("MOVER_LOG") else subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[3],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def run(self, move_id: UUID, step: str = "", number: int = 0) -> tuple[bool, dict[str, int]]:
        """Run a move; answers whether the child was killed, and its statements by step."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{move_id} {step} {number}\n")
        self._process.stdin.flush()
        is_killed, counts = json.loads(self._process.stdout.readline())
        return is_killed, counts


def main() -> None:
    """Read commands until there are no more."""
    import django

    # The log goes where errors go: only answers come out.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    django.setup()
    from tests.isolation.moves import scene

    scene.only_ours()
    for line in sys.stdin:
        with tempfile.NamedTemporaryFile() as counted:
            child = os.fork()
            if child == 0:
                _child(counted.name, *line.split())
            _, status = os.waitpid(child, 0)
            counts = Path(counted.name).read_text() or "{}"
        is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        answers.write(f"[{json.dumps(is_killed)}, {counts}]\n")
        answers.flush()


def _named(name: str, work: Any, at: list[str], step: str) -> Any:
    """A step that tells in `at` that it is at work; at the end of `step` it dies."""

    def begin(journey: Any) -> None:
        at[0] = name
        work(journey)
        if name == step:  # it had to try less often than the move whose statements were counted
            os.kill(os.getpid(), signal.SIGKILL)
        at[0] = f"after {name}"

    return begin


def _child(counted: str, move_id: str, step: str = "", number: str = "0") -> None:
    import psycopg

    from apps.isolation.moves import running

    counts: Counter[str] = Counter()
    at = [""]

    def counting(work: Any) -> Any:
        def begin(*args: Any, **more: Any) -> Any:
            counts[at[0]] += 1
            if at[0] == step and counts[at[0]] == int(number):
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*args, **more)

        return begin

    for name, work in running.STEPS.items():
        running.STEPS[name] = _named(name, work, at, step)
    for method in ("execute", "copy"):
        setattr(psycopg.Cursor, method, counting(getattr(psycopg.Cursor, method)))
    code = 1
    try:
        running.run_move(UUID(move_id))
        Path(counted).write_text(json.dumps(counts))
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
