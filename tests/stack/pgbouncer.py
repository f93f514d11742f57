"""A real PgBouncer in transaction mode, in front of a test's Postgres."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psycopg

from tenlyr.runtime import accounts, ports
from tenlyr.runtime.processes import spawn

START_TIMEOUT_S = 60


class PgBouncer:
    """`users` maps a role to its password; `pool_size` is the server connections per role; `more`
    are settings of PgBouncer's own.
    """

    def __init__(
        self,
        program: str,
        database_url: str,
        users: dict[str, str],
        *,
        pool_size: int = 2,
        more: dict[str, str] | None = None,
    ) -> None:
        self.program, self.users, self.pool_size = program, users, pool_size
        self.target, self.more = urlsplit(database_url), more or {}
        self.folder = Path()
        self.port = ports.any_free()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for `DATABASE_POOL_URL`."""
        return f"postgresql://{ports.HOST}:{self.port}{self.target.path}"

    def start(self) -> Self:
        """Start it, as another user when we are root (PgBouncer refuses root), and wait."""
        account = accounts.for_servers()
        self.folder = Path(tempfile.mkdtemp(prefix="tenlyr-pgbouncer-"))
        accounts.give(self.folder, account)
        for name, text in (("users", self._users()), ("ini", self._ini())):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(text)
            accounts.give(path, account)
        with (self.folder / "log").open("ab") as log:
            self.process = spawn(
                [self.program, self.folder / "ini"], cwd=self.folder, account=account, stdout=log
            )
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """Stop at once, and leave nothing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
            shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _users(self) -> str:
        return "".join(f'"{user}" "{password}"\n' for user, password in self.users.items())

    def _ini(self) -> str:
        name = self.target.path.lstrip("/")
        return (
            f"[databases]\n{name} = host={self.target.hostname} port={self.target.port}\n"
            f"[pgbouncer]\nlisten_addr = {ports.HOST}\nlisten_port = {self.port}\n"
            "unix_socket_dir =\npool_mode = transaction\nauth_type = scram-sha-256\n"
            f"auth_file = {self.folder / 'users'}\ndefault_pool_size = {self.pool_size}\n"
            "max_client_conn = 500\nquery_wait_timeout = 20\n"
        ) + "".join(f"{name} = {value}\n" for name, value in self.more.items())

    def _wait_until_ready(self) -> None:
        user, password = next(iter(self.users.items()))
        url = f"postgresql://{user}:{password}@{ports.HOST}:{self.port}{self.target.path}"
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(url, connect_timeout=10).close()
                # Its port cannot be shared: while ours lives, nobody else can have answered.
                if self.process is None or self.process.poll() is not None:
                    raise RuntimeError(f"another server answers on port {self.port}")
                return
            except psycopg.OperationalError as error:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > end:
                    log = (self.folder / "log").read_text()[-2000:]
                    raise RuntimeError(f"PgBouncer did not start: {error}\n{log}") from error
                time.sleep(0.05)
