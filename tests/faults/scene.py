"""Tenants, clients, faults and oracles together: one run of the fault test, long or short."""

import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import oracles, stored
from tests.faults.faults import Faults
from tests.faults.ledger import Ledger, State
from tests.faults.load import Client, Clients
from tests.faults.oracles import Violation
from tests.faults.target import Stuck, Target
from tests.faults.workload import Customer, Maker

# So often a full tenant is asked before another takes its place.
REFUSALS_EACH = 25
MOST_TIGHT = 40
TOP_UPS = 5


class Cast:
    """Who tracks: tenants of both levels without a limit, and always one or two close to theirs.

    A tenant that is full gives way to a fresh one, so that limits are reached all along the run.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self.roomy = [
            target.customer(f"Roomy {level} {number}", isolationLevel=level)
            for level in ("shared_schema", "dedicated_schema")
            for number in range(3)
        ]
        self.tight: list[Customer] = []
        self._refusals: dict[str, int] = {}
        for level in ("shared_schema", "dedicated_schema"):
            self._add_tight(level)

    @property
    def everyone(self) -> list[Customer]:
        """All tenants of the run."""
        return [*self.roomy, *self.tight]

    def pick(self, chance: random.Random) -> Customer:
        """The customer of the next call: every third is one with a limit."""
        if chance.random() < 0.35:
            return chance.choice(self.tight[-2:])
        return chance.choice(self.roomy)

    def refused(self, customer: Customer) -> None:
        """Note a refusal; enough of them bring a fresh tenant."""
        if customer.limit is None:
            return
        with self._lock:
            self._refusals[customer.id] = count = self._refusals.get(customer.id, 0) + 1
            is_due = count == REFUSALS_EACH and len(self.tight) < MOST_TIGHT
        if is_due:
            self._add_tight(
                random.Random(customer.id).choice(("shared_schema", "dedicated_schema"))
            )

    def _add_tight(self, level: str) -> None:
        name = f"Tight {len(self.tight)}"
        self.tight.append(self._target.customer(name, "starter", isolationLevel=level))


@dataclass
class Outcome:
    """What a run found. `kills` counts the faults done, by kind."""

    seed: int
    ledger_path: Path
    kills: dict[str, int]
    facts: dict[str, int | str] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)


class Scene:
    """A target with its tenants and one ledger for all that is ever sent to it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.cast = Cast(target)
        self.ledger = Ledger(Path(tempfile.mkdtemp(prefix="tenlyr-faults-")) / "ledger.sqlite")
        self._was_flushed = False

    def play(
        self,
        counts: dict[str, int],
        *,
        seed: int,
        budget_s: float,
        gap_s: float = 1.0,
        clients: int = 4,
        calls_s: float = 100.0,
    ) -> Iterator[str | Outcome]:
        """Run faults under load and judge; yields each fault's kind, and at last the `Outcome`."""
        started = time.monotonic()
        cast, ledger = self.cast, self.ledger
        load = Clients(ledger, self.target.port, cast.pick, seed, clients, calls_s, cast.refused)
        faults = Faults(self.target, ledger, seed, counts, gap_s)
        outcome = Outcome(seed, ledger.path, faults.done)
        ledger.last_ack = ledger.longest_gap_s = 0.0
        load.start()
        try:
            yield from faults.run(started + budget_s)
        except Stuck as stuck:
            outcome.violations.append(Violation("stuck", 1, [str(stuck)]))
        finally:
            load.finish()
        outcome.facts["longest time without an ack s"] = f"{ledger.longest_gap_s:.1f}"
        if faults.done != Counter(counts):
            missing = f"{dict(faults.done)} of {counts} in {budget_s:g} s"
            outcome.violations.append(Violation("not all faults were done", 1, [missing]))
        self._judge(faults, outcome)
        outcome.facts["duration s"] = round(time.monotonic() - started)
        yield outcome

    def close(self, outcome: Outcome) -> None:
        """Remove the ledger, or lay the product's last words beside it if something was wrong."""
        self.ledger.close()
        if outcome.violations:
            (self.ledger.path.parent / "product.log").write_text(
                "\n".join(self.target.product.lines)
            )
        else:
            shutil.rmtree(self.ledger.path.parent)

    def _judge(self, faults: Faults, outcome: Outcome) -> None:
        try:
            self._fill_up()
            self.target.quiesce()
        except Stuck as stuck:
            outcome.violations.append(Violation("stuck", 1, [str(stuck)]))
        stored.collect(self.target, self.ledger, self.cast.everyone)
        self._was_flushed |= faults.done["flushall"] > 0
        outcome.violations += oracles.exactly_once(self.ledger, was_flushed=self._was_flushed)
        outcome.violations += oracles.limits(self.ledger, self.cast.tight, are_full=True)
        outcome.facts = facts(self.ledger) | outcome.facts
        outcome.facts["tenants"] = len(self.cast.everyone)
        outcome.facts["limits reached"] = len(self.cast.tight)
        outcome.facts["slowest progress after a fault s"] = f"{faults.slowest_progress_s:.1f}"
        for moment, count in sorted(faults.moments.items()):
            outcome.facts[f"consumer kills {moment}"] = count
        if faults.rebuilds_s:
            outcome.facts["slowest rebuild s"] = f"{max(faults.rebuilds_s):.1f}"

    def _fill_up(self) -> None:
        """Offer single calls to each limited tenant until several are refused: it must be full.

        What a duplicate counted twice is given back when it is stored, so all is stored first.
        """
        self.target.quiesce()
        maker, client = Maker("fill up"), Client(self.ledger, self.target.port)
        for customer in self.cast.tight:
            refused = 0
            while refused < TOP_UPS:
                (said,) = client.send(maker.one_api_call(customer))
                refused += said.state is State.REFUSED
                if said.state not in (State.ACKED, State.REFUSED):
                    raise Stuck(f"a single call stays {said.state} with nothing at fault")
        client.close()


def facts(ledger: Ledger) -> dict[str, int | str]:
    """The figures of the table."""
    acked, known = ledger.count("state = 'acked'"), ledger.count("doubt AND state <> 'unknown'")
    lost = "state = 'acked' AND NOT EXISTS (SELECT 1 FROM stored t WHERE t.mark = sent.mark)"
    twice = "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM stored GROUP BY mark)"
    return {
        "events sent": ledger.count(),
        "acked (201)": acked,
        "stored": int(ledger.ask("SELECT count(*) FROM stored")[0][0]),
        "lost": ledger.count(f"{lost} AND mark NOT IN (SELECT mark FROM loss)"),
        "lost with FLUSHALL, as declared": ledger.count(
            f"{lost} AND mark IN (SELECT mark FROM loss)"
        ),
        "doubled": int(ledger.ask(twice)[0][0]),
        "refused by a rule": ledger.count("state = 'refused'"),
        "without an answer, resolved by a resend": known,
        "resends that found it counted already": ledger.found_done,
        "without an answer, never resent (id by server)": ledger.count("state = 'unknown'"),
        "of these stored": ledger.count("state = 'unknown' AND mark IN (SELECT mark FROM stored)"),
        "sends of events": int(ledger.ask("SELECT coalesce(sum(sends), 0) FROM sent")[0][0]),
    }
