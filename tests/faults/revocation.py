"""`python -m tests.faults.revocation`: how long does a revoked key go on working, in any process?

A trial: the key is warm in every web process; the tenant is suspended or the key rotated over the
API; from the moment that call has returned each process is asked until it refuses (X6, O8, F81).
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.faults.calls import NoAnswer, Reply
from tests.faults.target import Stuck, Target
from tests.faults.workload import Customer

BOUND_S = 1.0
# Asked on after the bound too: a refused key must stay refused, and a late refusal has a time.
WATCHED_S = 3.0
STAYS = 3
WARM_TIMEOUT_S = 10.0
READ = "/api/v1/usage/metrics"
REFUSED = {"suspend": "tenant_suspended", "rotate": "key_revoked"}


@dataclass
class Seen:
    """What one web process answered to a revoked key: when it refused, how often it said 503."""

    refused_after_s: float | None = None
    accepted_late: int = 0
    unavailable: int = 0
    odd: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """One revocation, as seen by each process, and how long the new or restored key waited."""

    how: str
    has_valkey: bool
    seen: list[Seen]
    restored_after_s: float = 0.0


class Watcher:
    """Asks with one tenant's keys: a kept-alive connection to each web process, told by its pid.

    `source` is the loopback address that the calls come from.
    """

    def __init__(self, target: Target, customer: Customer, source: str) -> None:
        self.customer = customer
        self._admin_key = target.product.admin_key
        self._lines = target.lines_to_each(source)
        # Changes go through all processes in turn: the others must hear of them.
        self._turn = 0

    def trial(self, how: str, *, has_valkey: bool) -> Trial:
        """Revoke, watch, restore."""
        self._until_all_accept(self.customer)
        old, new = self.customer, self._revoke(how)
        returned = time.monotonic()
        trial = Trial(how, has_valkey, self._watch(old, how, returned))
        started = time.monotonic()
        if how == "suspend":
            self._change("reactivate")
            started = time.monotonic()
        self.customer = new
        self._until_all_accept(new)
        trial.restored_after_s = time.monotonic() - started
        return trial

    def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            line.close()

    def _revoke(self, how: str) -> Customer:
        if how == "suspend":
            self._change("suspend")
            return self.customer
        reply = self._change("rotate-key")
        return replace(self.customer, key=reply.body["apiKey"])

    def _change(self, verb: str) -> Reply:
        self._turn += 1
        line = self._lines[self._turn % len(self._lines)]
        reply = line.post(f"/api/v1/tenants/{self.customer.id}/{verb}", key=self._admin_key)
        if reply.status not in (200, 201):
            raise Stuck(f"{verb} was answered {reply}")
        return reply

    def _watch(self, old: Customer, how: str, returned: float) -> list[Seen]:
        """Ask all processes in turn, so that each is asked every few milliseconds."""
        seen = [Seen() for _ in self._lines]
        refusals = [0] * len(self._lines)
        while min(refusals) < STAYS and time.monotonic() - returned < WATCHED_S:
            for place, line in enumerate(self._lines):
                if refusals[place] < STAYS:
                    asked = time.monotonic() - returned
                    reply = line.get(READ, key=old.key)
                    answered = time.monotonic() - returned
                    refusals[place] += _note(seen[place], reply, how, asked, answered)
        return seen

    def _until_all_accept(self, customer: Customer) -> None:
        """Twice each: the second answer comes from the process's own cache."""
        end = time.monotonic() + WARM_TIMEOUT_S
        for line in self._lines:
            accepted = 0
            while accepted < 2:
                reply = line.get(READ, key=customer.key)
                accepted = accepted + 1 if reply.status == 200 else 0
                if time.monotonic() > end:
                    raise Stuck(f"a good key is answered {reply}")


def _note(seen: Seen, reply: Reply, how: str, asked_s: float, answered_s: float) -> bool:
    """Note an answer, asked for and given so long after the revocation; whether it refuses."""
    if reply.status == 401 and reply.code == REFUSED[how]:
        if seen.refused_after_s is None:
            seen.refused_after_s = answered_s
        return True
    if reply.status == 200:
        # Accepted after the bound, or again after it was refused: either breaks the promise.
        seen.accepted_late += asked_s > BOUND_S or seen.refused_after_s is not None
    elif reply.status == 503:
        seen.unavailable += 1
    else:
        seen.odd.append(f"{reply.status} {reply.code}")
    return False


def run(target: Target, trials: int, *, has_valkey: bool, at_once: int = 4) -> Iterator[Trial]:
    """Do trials, several tenants at once, suspending and rotating in turn; raises `Stuck`."""
    shares = [trials // at_once + (place < trials % at_once) for place in range(at_once)]
    customers = [target.customer(f"Revoked {place}") for place, share in enumerate(shares) if share]
    if not has_valkey:
        target.stop_valkey()
    try:
        with ThreadPoolExecutor(at_once) as pool:
            yield from _gather(pool, target, customers, shares, has_valkey)
    finally:
        if not has_valkey:
            target.start_valkey()


def _gather(
    pool: ThreadPoolExecutor,
    target: Target,
    customers: list[Customer],
    shares: list[int],
    has_valkey: bool,
) -> Iterator[Trial]:
    watchers: list[Watcher] = []
    try:
        for place, customer in enumerate(customers):
            watchers.append(Watcher(target, customer, f"127.0.{1 + has_valkey}.{place + 1}"))
        for turn in range(max(shares, default=0)):
            how = ("suspend", "rotate")[turn % 2]
            due: list[Future[Trial]] = [
                pool.submit(watcher.trial, how, has_valkey=has_valkey)
                for watcher, share in zip(watchers, shares, strict=False)
                if turn < share
            ]
            for done in as_completed(due):
                yield done.result()
    finally:
        for watcher in watchers:
            watcher.close()


def violations(trials: Sequence[Trial]) -> list[str]:
    """Each process must refuse within the bound, stay so, and say nothing odd."""
    found = []
    for number, trial in enumerate(trials):
        for place, seen in enumerate(trial.seen):
            late = seen.refused_after_s is None or seen.refused_after_s > BOUND_S
            if late or seen.accepted_late or seen.odd:
                valkey = "with" if trial.has_valkey else "without"
                found.append(
                    f"trial {number} ({trial.how}, {valkey} Valkey), process {place}: {seen}"
                )
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def delays(trials: Sequence[Trial]) -> list[float]:
    """Seconds from the change's answer to the refusal, of every process that refused."""
    return [s.refused_after_s for t in trials for s in t.seen if s.refused_after_s is not None]


def table(trials: Sequence[Trial]) -> Table:
    """The figures, with Valkey and without."""
    shown = Table("", "trials", "refusals", "p50 s", "p99 s", "max s", "503s", "restored max s")
    for name, has_valkey in (("with Valkey", True), ("Valkey killed", False)):
        part = [trial for trial in trials if trial.has_valkey == has_valkey]
        if part:
            times = delays(part)
            shown.add_row(
                name,
                str(len(part)),
                str(len(times)),
                *(f"{quantile(times, share):.3f}" for share in (0.5, 0.99, 1.0)),
                str(sum(seen.unavailable for trial in part for seen in trial.seen)),
                f"{max(trial.restored_after_s for trial in part):.3f}",
            )
    return shown


def main(given: Sequence[str]) -> int:
    """Run and print; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.revocation", description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000, metavar="N")
    parser.add_argument("--processes", type=int, default=2, help="web processes (2)")
    parser.add_argument("--own-ports", action="store_true", help="a port for each process")
    options = parser.parse_args(given)
    console, done = Console(), []
    with Target(web=options.processes, own_ports=options.own_ports) as target:
        for has_valkey, count in ((True, options.trials // 2), (False, -(-options.trials // 2))):
            steps = run(target, count, has_valkey=has_valkey)
            what = "with Valkey" if has_valkey else "Valkey killed"
            done += list(track(steps, what, total=count, console=console))
    console.print(table(done))
    found = violations(done)
    for line in found[:10]:
        console.print(f"[bold red]VIOLATED[/] {line}")
    bound = 300 / max(1, len(done))
    console.print(f"{len(found)} violations in {len(done)} trials (rate below {bound:.2g} % if 0)")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Stuck, NoAnswer) as error:
        sys.exit(f"the trials could not be done: {error}")
