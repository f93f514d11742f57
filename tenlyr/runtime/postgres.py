"""An embedded Postgres: one data folder, one process, reached on the loopback address only."""

import contextlib
import shutil
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from tenlyr.runtime import accounts, binaries, ports, processes
from tenlyr.runtime.children import Child
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.home import Home, secret, write_private

SUPERUSER, DEPLOY, DATABASE = "postgres", "tenlyr_deploy", "tenlyr"
START_TIMEOUT_S = 60
SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "superuser_reserved_connections": "5",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Failed statements are the product's to log, with what it knows of them.
    "log_min_error_statement": "panic",
    "log_min_messages": "warning",
}


class Postgres(Child):
    """The server of one data folder."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave
    grace_s = 30.0
    last_signal = signal.SIGQUIT  # leaves at once and recovers at its next start

    def __init__(self, home: Home, *, folder: str = "postgres", **settings: str) -> None:
        self.home = home
        self.folder = home.servers / folder
        self.data = self.folder / "data"
        self.settings = {**SETTINGS, **settings}
        self.port = 0

    @property
    def is_new(self) -> bool:
        """Whether there is no data folder yet."""
        return not (self.data / "PG_VERSION").exists()

    @property
    def deploy_url(self) -> str:
        """The address for `DATABASE_URL`."""
        return self.url(DEPLOY, self._deploy_password, DATABASE)

    @property
    def superuser_url(self) -> str:
        """The superuser's address: for set-up, tests and rescue only."""
        return self.url(SUPERUSER, self._superuser_password, DATABASE)

    def url(self, user: str, password: str, database: str) -> str:
        """An address of this server."""
        return f"postgresql://{user}:{quote(password)}@{ports.HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Make the data folder on the first start, start the server and wait until it answers."""
        self._prepare_folders()
        processes.evict(partial(processes.inhabitants, self.data, "postgres"))
        if self.is_new:
            self._initialise()
        # Nobody lives here any more: a lock file is a dead server's.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.port = self.port or ports.kept(self.folder / "port")
        options = [part for item in self._options().items() for part in ("-c", "=".join(item))]
        with processes.log_file(self.folder / "log") as log:
            self.process = processes.spawn(
                [binaries.postgres(self.home) / "postgres", "-D", self.data, *options],
                cwd=self.data,
                account=self.home.account,
                stdout=log,
                on_orphaned=self.stop_signal,
            )
        self._wait_until_ready()
        self._ensure_deploy_role()

    def _options(self) -> dict[str, str]:
        return {**self.settings, "port": str(self.port)}

    @property
    def _superuser_password(self) -> str:
        return secret(self.folder / "superuser_password")

    @property
    def _deploy_password(self) -> str:
        return secret(self.folder / "deploy_password")

    def _prepare_folders(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # The account passes through here to its data; the passwords beside it stay ours (0600).
        self.folder.chmod(0o711)

    def _initialise(self) -> None:
        """initdb beside the final place: a start that was killed half-way leaves no half
        database.
        """
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        accounts.give(fresh, self.home.account)
        with self._password_file() as password:
            status, said, complained = processes.run(
                [
                    *(binaries.postgres(self.home) / "initdb", "-D", fresh, "-U", SUPERUSER),
                    *(f"--pwfile={password}", "-A", "scram-sha-256", "-E", "UTF8"),
                    *("--locale=C", "--data-checksums", "--no-instructions"),
                ],
                cwd=fresh,
                account=self.home.account,
                timeout_s=START_TIMEOUT_S,
            )
        if status:
            reason = (said + complained)[-500:].strip()
            raise StartFailed(f"Postgres could not make its data folder: {reason}")
        fresh.rename(self.data)

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[Path]:
        """The superuser's password where initdb can read it, for as long as it must."""
        path = self.folder / "initdb_password"
        write_private(path, self._superuser_password)
        try:
            accounts.give(path, self.home.account)
            yield path
        finally:
            path.unlink()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        reason = "it did not answer in time"
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                reason = "it ended"
                break
            try:
                with psycopg.connect(self._postgres_url(), connect_timeout=5) as connection:
                    self._check_identity(connection)
                    return
            except psycopg.OperationalError as error:
                reason = str(error)
                time.sleep(0.05)
        raise StartFailed(f"Postgres did not start ({reason}): see {self.folder / 'log'}.")

    def _postgres_url(self) -> str:
        return self.url(SUPERUSER, self._superuser_password, "postgres")

    def _check_identity(self, connection: Any) -> None:
        """The server that answers must be the one that lives in our folder."""
        told = connection.execute("SHOW data_directory").fetchone()[0]
        if Path(told) != self.data:
            raise StartFailed(f"Port {self.port} is answered by another Postgres, in {told}.")

    def _ensure_deploy_role(self) -> None:
        with psycopg.connect(self._postgres_url(), autocommit=True) as connection:
            names = {"role": sql.Identifier(DEPLOY), "database": sql.Identifier(DATABASE)}
            if not connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", [DEPLOY]
            ).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {role} LOGIN CREATEROLE CREATEDB PASSWORD {p}").format(
                        p=self._deploy_password, **names
                    )
                )
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not found.fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {database} OWNER {role}").format(**names)
                )
