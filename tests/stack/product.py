"""The product's own processes on a test's servers: web, consumer, worker, each under our eyes."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from tenlyr import env
from tenlyr.runtime import ports, product
from tenlyr.runtime.supervisor import Command, environment
from tests.stack.servers import Servers

START_TIMEOUT_S = 120


class Product:
    """Web processes, consumer and workers against `servers`.

    All web processes answer on `port`; with `own_ports` each has one of its own, in `ports`.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        web: int = 2,
        consumers: int = 1,
        worker: bool = False,
        prompt: bool = False,
        beats: int = 0,
        threads: int = 8,
        own_ports: bool = False,
        **settings: str,
    ) -> None:
        self.servers = servers
        self.lines: list[str] = []
        self.ports = [ports.any_free() for _ in range(web)] if own_ports else [ports.any_free()]
        self.port = self.ports[0]
        self.settings = environment(**{**servers.env, **settings})
        self.made: dict[str, Any] = {}
        web_settings = {
            "TENLYR_DB_POOL": product.CONNECTIONS_PER_WEB_PROCESS,
            "TENLYR_WEB_THREADS": str(threads),
        }
        self.web = [
            self._child(f"web-{n}", product.web(port), **web_settings)
            for n, port in enumerate(self.ports if own_ports else self.ports * web)
        ]
        self.consumers = [
            self._child(f"consumer-{n}", product.consumer()) for n in range(consumers)
        ]
        self.worker = self._child("worker", product.worker()) if worker else None
        self.prompt = self._child("prompt", product.prompt()) if prompt else None
        self.beats = [self._child(f"beat-{n}", product.beat()) for n in range(beats)]
        for beat in self.beats:
            beat.stop_signal = signal.SIGKILL  # as `up` does: it has nothing to finish

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ports.HOST}:{self.port}"

    @property
    def admin_key(self) -> str:
        """The first workspace's admin key."""
        return str(self.made["adminKey"])

    @property
    def children(self) -> list[Command]:
        """All processes, in the order of their start."""
        workers = [one for one in (self.worker, self.prompt) if one]
        return [*self.consumers, *workers, *self.beats, *self.web]

    def start(self) -> Self:
        """Set up the database, start everything and wait until each port is ready."""
        try:
            self.made = self._set_up()
            for child in self.children:
                child.start()
            for port in self.ports:
                self.wait_until_ready(port)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop all processes; the servers stay."""
        for child in reversed(self.children):
            child.stop()

    def wait_until_ready(self, port: int | None = None, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait for `/readyz`; raises with the processes' last words when it does not come."""
        end = time.monotonic() + timeout_s
        said: object = None
        while time.monotonic() < end:
            status, said = call(port or self.port, "/readyz")
            if status == 200:
                self._check_identity(said)
                return
            time.sleep(0.05)
        raise RuntimeError(f"not ready: {said}\n" + "\n".join(self.lines[-60:]))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _child(self, name: str, command: Sequence[str], **more: str) -> Command:
        return Command(name, command, {**self.settings, **more}, env.BASE_DIR, self._note)

    def _check_identity(self, said: Any) -> None:
        """Who answers must be of a process that we started: of its group."""
        groups = {child.process.pid for child in self.web if child.process}
        if os.getpgid(said["pid"]) not in groups:
            raise RuntimeError(f"process {said['pid']} answers, which is none of ours")

    def _note(self, name: str, line: str) -> None:
        self.lines.append(f"{name} | {line}")
        del self.lines[:-5_000]

    def _set_up(self) -> dict[str, Any]:
        done = subprocess.run(
            product.setup(),
            cwd=env.BASE_DIR,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-4000:])
        made: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return made


def call(port: int, path: str, timeout_s: float = 5) -> tuple[int, Any]:
    """GET a page; (0, reason) when nobody answers."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 0, repr(error)
    finally:
        connection.close()


def kill9(child: Command) -> None:
    """End a child's whole process group as a crash would."""
    if child.process is None:
        raise RuntimeError("not started")
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait(10)
