"""Starting the product: servers, set-up, processes, in this order, until it says that it is
ready.
"""

import http.client
import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tenlyr import env
from tenlyr.runtime import checks, home, ports, processes, product
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.given import GIVEN
from tenlyr.runtime.home import Home
from tenlyr.runtime.postgres import Postgres
from tenlyr.runtime.supervisor import Command, Supervisor, environment
from tenlyr.runtime.valkey import Valkey

READY_TIMEOUT_S = 120
SETUP_TIMEOUT_S = 300
# Each of its servers gets 30 s to leave, all at the same time.
INSTANCES_GRACE_S = 45.0
ANSWER_EVERY_S, READY_EVERY_S = 0.05, 0.3


@dataclass
class Start:
    """One start of the product from the settings in the environment."""

    supervisor: Supervisor
    say: Callable[[str, str], None]
    port: int
    web_processes: int
    locks: list[int] = field(default_factory=list)
    here: Home | None = None

    def run(self) -> dict[str, Any]:
        """Start everything; answers what the set-up made. Raises `StartFailed`."""
        checks.admin_key(GIVEN.get("TENLYR_ADMIN_KEY", ""))
        checks.secret_key(GIVEN.get("TENLYR_SECRET_KEY", ""))
        here = home.prepare(env.home())
        self.locks = here.lock()
        self.here = here
        self.say("up", "starting")
        processes.evict(partial(processes.supervised, here.path))
        checks.port(self.port)
        settings = self._servers(here)
        self._publish(here, settings)
        # From what was given: the last run's addresses, if it was killed, are no longer true.
        variables = environment(GIVEN, **settings, TENLYR_HOME=str(here.path), PORT=str(self.port))
        made = self._set_up(variables)
        if made.get("adminKey"):
            home.write_private(here.path / "admin_key", f"{made['adminKey']}\n")
        self._processes(variables)
        self._wait_until_ready()
        return made

    def over(self) -> None:
        """Nothing runs any more: other commands shall not look for it."""
        if self.here is not None:
            self.here.run_env.unlink(missing_ok=True)

    def _servers(self, here: Home) -> dict[str, str]:
        """The addresses of Postgres and Redis: those that were given, else our own, started now."""
        settings = {"TENLYR_SECRET_KEY": GIVEN.get("TENLYR_SECRET_KEY") or _secret(here)}
        settings["DATABASE_URL"] = self._database(here)
        settings |= _usual(has_own_servers=not GIVEN.get("DATABASE_URL"))
        settings["REDIS_URL"] = self._broker(here)
        if pool := GIVEN.get("DATABASE_POOL_URL"):
            checks.pooler()
            settings["DATABASE_POOL_URL"] = pool
        return settings

    def _database(self, here: Home) -> str:
        given = GIVEN.get("DATABASE_URL")
        if given:
            checks.database(given)
            return given
        postgres = Postgres(here)
        if postgres.is_new:
            self.say("up", "first start: making the database, the roles and a workspace")
        self.supervisor.add(postgres)
        return postgres.deploy_url

    def _broker(self, here: Home) -> str:
        given = GIVEN.get("REDIS_URL")
        if given:
            if checks.broker(given) == "memory":
                self.say("up", 'durability: "memory" (REDIS_URL has no appendfsync always)')
            return given
        valkey = Valkey(here)
        self.supervisor.add(valkey)
        return valkey.url

    def _publish(self, here: Home, settings: Mapping[str, str]) -> None:
        """Leave the addresses for other `manage.py` commands (0600)."""
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        home.write_private(here.run_env, lines)

    def _set_up(self, variables: Mapping[str, str]) -> dict[str, Any]:
        status, said, complained = processes.run(
            product.setup(), cwd=env.BASE_DIR, env=variables, timeout_s=SETUP_TIMEOUT_S
        )
        if status:
            lines = complained.strip().splitlines() or ["it said nothing."]
            for line in lines[:-1]:  # a traceback; of a mistake of the operator's there is none
                self.say("setup", line)
            raise StartFailed(f"The set-up failed: {lines[-1].removeprefix('CommandError: ')}")
        made: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return made

    def _processes(self, variables: Mapping[str, str]) -> None:
        """In the order of their start; they leave in reverse, so that the web drains first."""
        pooled = {"TENLYR_DB_POOL": product.CONNECTIONS_PER_WEB_PROCESS, **variables}
        if variables.get("TENLYR_DATABASE_DRIVER") == "instance" or not GIVEN.get("DATABASE_URL"):
            self._add("instances", "instances", product.instances(), variables, INSTANCES_GRACE_S)
        # As root on a laptop: Celery says so at length, and we know.
        quiet = {**variables, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
        self._add("work", "worker", product.worker(), quiet)
        self._add("work", "prompt", product.prompt(), quiet)
        # Asked to stop, Celery's clock writes to the database inside its signal handler, and hangs
        # if it was there already. It holds nothing that must not be lost.
        self._add("work", "beat", product.beat(), variables, stop_signal=signal.SIGKILL)
        self._add("work", "consumer", product.consumer(), variables)
        for number in range(1, self.web_processes + 1):
            self._add("web", f"web-{number}", product.web(self.port), pooled)

    def _add(
        self,
        stage: str,
        name: str,
        command: list[str],
        settings: Mapping[str, str],
        grace_s: float = Command.grace_s,
        stop_signal: int = Command.stop_signal,
    ) -> None:
        child = Command(name, command, settings, env.BASE_DIR, self.say, grace_s, stage)
        child.stop_signal = stop_signal
        self.supervisor.add(child)

    def _wait_until_ready(self) -> None:
        """Ready is when every web process has answered, and one of them says so of all parts.

        The kernel shares connections out among all that listen: one that has not loaded the product
        yet would keep its callers waiting.
        """
        end = time.monotonic() + READY_TIMEOUT_S
        answered: set[int] = set()
        said = "no answer"
        while time.monotonic() < end:
            self.supervisor.check()
            are_all_up = len(answered) >= self.web_processes
            status, said = _ask(self.port, "/readyz" if are_all_up else "/livez")
            if status == 200 and are_all_up:
                return
            if status == 200:
                answered.add(json.loads(said)["pid"])
            time.sleep(READY_EVERY_S if are_all_up else ANSWER_EVERY_S)
        raise StartFailed(f"The web processes are not ready: {said[:1000]}")


def _ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": _host()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def _host() -> str:
    """A name that the product answers to."""
    first = next(iter(env.words("TENLYR_ALLOWED_HOSTS")), "*").lstrip(".")
    return ports.HOST if first == "*" else first


def _usual(*, has_own_servers: bool) -> dict[str, str]:
    """What is as it was given, or else as it suits a machine that has our own servers."""
    usual = {
        # "A database of its own" can be a Postgres of its own.
        "TENLYR_DATABASE_DRIVER": "instance",
        # It is a developer's, and so are the receivers of webhooks on it.
        "TENLYR_EGRESS_ALLOW_LOOPBACK": "true",
    }
    found = {name: GIVEN.get(name) or (has_own_servers and value) for name, value in usual.items()}
    return {name: value for name, value in found.items() if value}


def _secret(here: Home) -> str:
    return home.secret(here.path / "secret_key")
