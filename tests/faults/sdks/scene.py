"""Buffers take events by portions; between two of them the server is killed and started again."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import oracles, stored
from tests.faults.ledger import Ledger
from tests.faults.oracles import Violation
from tests.faults.sdks import wire
from tests.faults.sdks.driver import Driver, Form
from tests.faults.target import Target
from tests.faults.workload import Customer
from tests.sdks.installed import Installed
from tests.stack.product import kill9

TENANTS = 4
TAKE_TIMEOUT_S = 240.0
# Who waits for a Valkey that stands still waits for the time-out of each try first.
FULL_TIMEOUT_S = 180.0
CLOSE_TIMEOUT_S = 120.0
# A process may grow by as much after its buffer was full and in use for a portion: what a runtime
# takes before it collects its garbage (Node's young generation alone is 48 MiB at most).
MAY_GROW_KIB = 96 * 1024


@dataclass(frozen=True)
class Plan:
    """How many events each buffer takes, and the kills, by their names in `KILLS`."""

    events: int
    kills: list[str]
    form: Form = field(default_factory=Form)

    @property
    def portions(self) -> list[int]:
        """Events before the first kill, and from each kill on."""
        count = len(self.kills) + 1
        return [self.events * (n + 1) // count - self.events * n // count for n in range(count)]


@dataclass
class Report:
    """How one client fared."""

    client: str
    facts: dict[str, int | float | str]
    violations: list[Violation]


class Party:
    """Drivers that send to one product at a time, and what is known of each before the first kill."""

    def __init__(self, target: Target, installed: dict[str, Installed], plan: Plan) -> None:
        self.target, self.plan = target, plan
        self.customers = {
            client: [target.customer(f"{client} {n}") for n in range(TENANTS)]
            for client in installed
        }
        url = target.product.url
        self.drivers: list[Driver] = []
        for client, made in installed.items():
            self.drivers.append(Driver(client, made, url, self.customers[client], plan.form))
        self.full_kib: dict[str, int] = {}
        self.undisturbed: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def play(self) -> None:
        """All portions and kills, until every buffer is closed."""
        began = time.monotonic()
        first, *others = self.plan.portions
        self.take(first)
        taken = first
        for driver in self.drivers:
            driver.until(
                lambda said: said.taken >= first and said.settled >= first // 2,
                "takes its portion",
                TAKE_TIMEOUT_S,
            )
            self.undisturbed[driver.client] = driver.said.settled / (time.monotonic() - began)
            self.full_kib[driver.client] = max(driver.kib)
        for kill, portion in zip(self.plan.kills, others, strict=True):
            KILLS[kill](self, portion)
            taken += portion
            self._await_taken(taken)
        for driver in self.drivers:
            driver.begin_closing()
        for driver in self.drivers:
            driver.until(lambda said: said.closed != "", "closes", CLOSE_TIMEOUT_S)
            self.seconds[driver.client] = time.monotonic() - began

    def take(self, count: int) -> None:
        """Have every buffer take so many more."""
        for driver in self.drivers:
            driver.take(count)

    def fill(self, count: int) -> None:
        """Have every buffer take so many more, of which none can be stored now, and send."""
        bound = min(count, self.plan.form.max_events)
        tries = {driver.client: driver.said.tries for driver in self.drivers}
        self.take(count)
        for driver in self.drivers:
            driver.until(
                lambda said: said.held >= bound and said.tries > tries[driver.client],  # noqa: B023
                "fills its buffer and sends",
                FULL_TIMEOUT_S,
            )

    def until_settled(self, count: int) -> None:
        """Wait until every buffer has so many more settled than now."""
        due = {driver.client: driver.said.settled + count for driver in self.drivers}
        for driver in self.drivers:
            driver.until(
                lambda said: said.settled >= due[driver.client],  # noqa: B023
                "sends",
                FULL_TIMEOUT_S,
            )

    def end(self) -> None:
        """Kill what is left."""
        for driver in self.drivers:
            driver.end()

    def _await_taken(self, count: int) -> None:
        for driver in self.drivers:
            driver.until(lambda said: said.taken >= count, "takes its portion", TAKE_TIMEOUT_S)


def _kill_web(party: Party, portion: int) -> None:
    """SIGKILL of all web processes while what they asked Valkey for is on its way.

    Valkey stands still meanwhile and goes on afterwards: it may store what nobody can be told of.
    """
    target = party.target
    valkey = target.valkey_pid
    os.kill(valkey, signal.SIGSTOP)
    try:
        party.fill(portion)
        for child in target.product.web:
            kill9(child)
    finally:
        os.kill(valkey, signal.SIGCONT)
    target.tend()
    target.product.wait_until_ready()


def _kill_all(party: Party, portion: int) -> None:
    """SIGKILL of every process of ours and of Valkey, and Postgres' immediate stop, in full flow."""
    target = party.target
    party.take(portion)
    party.until_settled(portion // 4)
    for child in target.product.children:
        kill9(child)
    target.stop_valkey()
    target.stop_postgres()
    target.start_postgres()
    target.start_valkey()
    target.tend()
    target.product.wait_until_ready()


KILLS: dict[str, Callable[[Party, int], None]] = {"web": _kill_web, "all": _kill_all}


def run(target: Target, installed: dict[str, Installed], plan: Plan) -> list[Report]:
    """Have clients take a plan's events at the same time, kill, and judge each when all is quiet."""
    party = Party(target, installed, plan)
    try:
        party.play()
    finally:
        party.end()
    target.quiesce()
    return [_judged(party, driver) for driver in party.drivers]


def _judged(party: Party, driver: Driver) -> Report:
    """Join what left the process with what is stored. The ledger of a violation is kept."""
    folder = Path(tempfile.mkdtemp(prefix="tenlyr-sdks-"))
    ledger = Ledger(folder / "ledger.sqlite")
    try:
        noted = wire.read(driver.wire, ledger)
        customers = party.customers[driver.client]
        stored.collect(party.target, ledger, customers)
        found = [*oracles.exactly_once(ledger), *_broken(party, driver, noted)]
        facts = _facts(party, driver, noted, ledger)
    finally:
        ledger.close()
    if found:
        shutil.copy(driver.wire, folder)
        (folder / "product.log").write_text("\n".join(party.target.product.lines))
        facts["kept in"] = str(folder)
    else:
        shutil.rmtree(folder)
    return Report(driver.client, facts, found)


def _broken(party: Party, driver: Driver, noted: wire.Noted) -> list[Violation]:
    """What the client itself promised and did not keep."""
    plan, said = party.plan, driver.said
    grown = max(driver.kib) - party.full_kib[driver.client]
    broken = {
        "not every event was sent": noted.events != plan.events,
        "an id changed": bool(noted.changed),
        "an event was given up": said.lost > 0,
        "the buffer was not closed well": said.closed != "well",
        "the buffer held more than it may": said.most > plan.form.max_events,
        "the process grew": grown > MAY_GROW_KIB,
        "no kill was felt": bool(plan.kills) and not noted.resends,
    }
    told = [str(said), str(noted)[:2_000], *noted.changed[:3], *driver.complaints[-3:]]
    return [Violation(promise, 1, told) for promise, is_broken in broken.items() if is_broken]


def _facts(
    party: Party, driver: Driver, noted: wire.Noted, ledger: Ledger
) -> dict[str, int | float | str]:
    client = driver.client
    return {
        "events": noted.events,
        "stored": int(ledger.ask("SELECT count(*) FROM stored")[0][0]),
        "distinct ids stored": int(ledger.ask("SELECT count(DISTINCT id) FROM stored")[0][0]),
        "events/s before the first kill": round(party.undisturbed[client]),
        "events/s in all, kills included": round(noted.events / party.seconds[client]),
        "tries": noted.tries,
        "events tried again": noted.resends,
        "of these stored already": noted.duplicates,
        "most held": driver.said.most,
        "largest RSS MiB": round(max(driver.kib) / 1024, 1),
        "RSS before the first event MiB": round(driver.idle_kib / 1024, 1),
        "RSS before the first kill MiB": round(party.full_kib[client] / 1024, 1),
    }
