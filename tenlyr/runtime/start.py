"""Starting the product: servers, set-up, processes, in this order, until it says that it is
ready.
"""

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tenlyr import env
from tenlyr.runtime import checks, home, ports, product
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.given import GIVEN
from tenlyr.runtime.home import Home
from tenlyr.runtime.postgres import Postgres
from tenlyr.runtime.supervisor import Command, Supervisor, environment
from tenlyr.runtime.valkey import Valkey

READY_TIMEOUT_S = 120
SETUP_TIMEOUT_S = 300


@dataclass
class Start:
    """One start of the product from the settings in the environment."""

    supervisor: Supervisor
    say: Callable[[str, str], None]
    port: int
    web_processes: int
    web_threads: int
    lock: int = -1

    def run(self) -> dict[str, Any]:
        """Start everything; answers what the set-up made. Raises `StartFailed`."""
        checks.port(self.port)
        checks.admin_key(GIVEN.get("TENLYR_ADMIN_KEY", ""))
        checks.secret_key(GIVEN.get("TENLYR_SECRET_KEY", ""))
        here = home.prepare(env.home())
        self.lock = home.lock(here.path)
        settings = self._servers(here)
        self._publish(here, settings)
        made = self._set_up(environment(**settings))
        if made.get("adminKey"):
            home.write_private(here.path / "admin_key", f"{made['adminKey']}\n")
        self._processes(environment(**settings))
        self._wait_until_ready()
        return made

    def _servers(self, here: Home) -> dict[str, str]:
        """The addresses of Postgres and Redis: those that were given, else our own, started now."""
        settings = {"TENLYR_SECRET_KEY": GIVEN.get("TENLYR_SECRET_KEY") or _secret(here)}
        given_database, given_redis = GIVEN.get("DATABASE_URL"), GIVEN.get("REDIS_URL")
        if given_database:
            checks.database(given_database)
        else:
            postgres = Postgres(here)
            self.supervisor.add(postgres)
            given_database = postgres.deploy_url
        if given_redis:
            if checks.broker(given_redis) == "memory":
                self.say("up", 'durability: "memory" (REDIS_URL has no appendfsync always)')
        else:
            valkey = Valkey(here)
            self.supervisor.add(valkey)
            given_redis = valkey.url
        return {**settings, "DATABASE_URL": given_database, "REDIS_URL": given_redis}

    def _publish(self, here: Home, settings: Mapping[str, str]) -> None:
        """Leave the addresses for other `manage.py` commands (0600)."""
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        home.write_private(here.run_env, lines)

    def _set_up(self, variables: Mapping[str, str]) -> dict[str, Any]:
        done = subprocess.run(
            product.setup(),
            cwd=env.BASE_DIR,
            env=dict(variables),
            capture_output=True,
            text=True,
            timeout=SETUP_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"The set-up failed: {done.stderr.strip()[-2000:]}")
        made: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return made

    def _processes(self, variables: Mapping[str, str]) -> None:
        pooled = {**variables, "TENLYR_DB_POOL": product.CONNECTIONS_PER_WEB_PROCESS}
        web = product.web(self.port, self.web_threads)
        # As root on a laptop: Celery says so at length, and we know.
        quiet = {**variables, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
        commands = [
            ("consumer", product.consumer(), variables),
            ("worker", product.worker(), quiet),
            ("beat", product.beat(), variables),
            *((f"web-{n + 1}", web, pooled) for n in range(self.web_processes)),
        ]
        for name, command, settings in commands:
            self.supervisor.add(Command(name, command, settings, env.BASE_DIR, self.say))

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_TIMEOUT_S
        said = "no answer"
        while time.monotonic() < end and not self.supervisor.stopping.is_set():
            self.supervisor.look()
            status, said = _readyz(self.port)
            if status == 200:
                return
            time.sleep(0.1)
        raise StartFailed(f"The web processes are not ready: {said}")


def _readyz(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")[:1000]
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def _secret(here: Home) -> str:
    return home.secret(here.path / "secret_key")
