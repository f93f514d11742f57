"""An embedded Valkey whose answer means "on disk": an append-only file, synced before each
reply.
"""

import signal
import socket
import time
from functools import partial

from tenlyr.runtime import accounts, binaries, ports, processes
from tenlyr.runtime.children import Child
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.home import Home, secret, write_private

START_TIMEOUT_S = 60


class Valkey(Child):
    """The server of one data folder. `fsync` is `always`, but for tests that need the other."""

    name = "valkey"
    stop_signal = signal.SIGTERM
    grace_s = 20.0

    def __init__(self, home: Home, *, fsync: str = "always") -> None:
        self.home = home
        self.folder = home.servers / "valkey"
        self.data = self.folder / "data"
        self.fsync = fsync
        self.port = 0

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        return f"redis://:{self._password}@{ports.HOST}:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it has read its file and answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.data.mkdir(mode=0o700, exist_ok=True)
        accounts.give(self.data, self.home.account)
        processes.evict(partial(processes.inhabitants, self.data, binaries.VALKEY))
        self.port = self.port or ports.kept(self.folder / "port")
        with processes.log_file(self.folder / "log") as log:
            self.process = processes.spawn(
                [binaries.valkey(self.home), self._configured()],
                cwd=self.data,
                account=self.home.account,
                stdout=log,
                on_orphaned=self.stop_signal,
            )
        self._wait_until_ready()

    @property
    def _password(self) -> str:
        return secret(self.folder / "password")

    def _configured(self) -> str:
        """The configuration as a file, so that the password is on no command line."""
        path = self.folder / "valkey.conf"
        settings = {
            "bind": ports.HOST,
            "port": str(self.port),
            "requirepass": self._password,
            "appendonly": "yes",
            "appendfsync": self.fsync,
            "save": '""',
            "maxmemory-policy": "noeviction",
            "dir": str(self.data),
        }
        write_private(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
        accounts.give(path, self.home.account)
        return str(path)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.02)
        raise StartFailed(f"Valkey did not start: see {self.folder / 'log'}.")

    def _answers(self) -> bool:
        """Whether it is ours (process id) and has loaded its file."""
        try:
            with socket.create_connection((ports.HOST, self.port), timeout=1) as line:
                line.sendall(f"AUTH {self._password}\r\nINFO server\r\nPING\r\n".encode())
                said = b""
                while not said.endswith((b"+PONG\r\n", b"dataset in memory\r\n")):
                    part = line.recv(65_536)
                    if not part:
                        return False
                    said += part
        except OSError:
            return False
        ours = f"process_id:{self.process.pid}\r\n" if self.process else ""
        if b"process_id:" in said and ours.encode() not in said:
            raise StartFailed(f"Port {self.port} is answered by another server.")
        return said.endswith(b"+PONG\r\n")
