"""A Postgres and a Valkey in a folder of their own, started by the launchers that `make run`
uses.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tenlyr.runtime import accounts, home
from tenlyr.runtime.home import Home
from tenlyr.runtime.postgres import Postgres
from tenlyr.runtime.valkey import Valkey

# Tests lose nothing that a power cut could take; what matters here is asked of Valkey.
POSTGRES_SETTINGS = {"shared_buffers": "128MB"}


class Servers:
    """Postgres and Valkey; `env` is what the product needs to use them."""

    def __init__(self, *, fsync: str = "always", **postgres_settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tenlyr-tests-"))
        # The servers' account passes through to its own folders.
        self.folder.chmod(0o711)
        self.home = Home(self.folder, self.folder, accounts.for_servers())
        self.postgres = Postgres(self.home, **{**POSTGRES_SETTINGS, **postgres_settings})
        self.valkey = Valkey(self.home, fsync=fsync)

    @property
    def env(self) -> dict[str, str]:
        """The product's settings for these servers."""
        return {
            "DATABASE_URL": self.postgres.deploy_url,
            "REDIS_URL": self.valkey.url,
            "TENLYR_SECRET_KEY": home.secret(self.folder / "secret_key"),
            "TENLYR_HOME": str(self.folder / "home"),
            # What a slow machine's queue costs is no test's question; who asks sets its own.
            "TENLYR_LOCK_TIMEOUT_MS": "10000",
            "TENLYR_STATEMENT_TIMEOUT_MS": "20000",
            "TENLYR_REDIS_TIMEOUT_MS": "10000",
            # Tests and benchmarks call more often than any client may: counted, and never refused.
            "TENLYR_API_RPM": "1000000",
        }

    def start(self) -> Self:
        """Start both and wait until they answer; a failure leaves nothing running."""
        try:
            self.postgres.start()
            self.valkey.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop both and remove their folder."""
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def kill9(server: Postgres | Valkey) -> None:
    """End the server's main process as a crash would; its `start` brings it back on the same
    port.
    """
    process = server.process
    if process is None:
        raise RuntimeError("not started")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
