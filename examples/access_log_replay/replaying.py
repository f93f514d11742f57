"""One run: group the lines by network, provision a tenant for each, send every line once."""

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from .concurrency import run_all
from .loglines import LogLine, ParsedLog
from .networks import Prefixes, network_of
from .options import Options
from .progress import Advance
from .provisioning import ProvisioningFailed, Tenant, provision
from .sending import Delivery, Kind, Outcome, event_of, send_batch, send_single
from .tallies import Summary, Tally
from .timeline import Timeline, timeline
from .transport import Api, Stopped, Unreachable

Groups = dict[str, list[LogLine]]
Chunk = tuple[str, Sequence[LogLine]]


class WrongTarget(Exception):
    """There is no Tenlyr at the address, or the key does not open it."""


def group_by_network(lines: Iterable[LogLine], prefixes: Prefixes) -> Groups:
    """The lines of each client network, in the log's order."""
    groups: Groups = defaultdict(list)
    for line in lines:
        groups[network_of(line.client, prefixes)].append(line)
    return dict(groups)


def chunks_of(groups: Groups, size: int) -> list[Chunk]:
    """The groups cut into chunks, in the order in which the log comes to each."""
    chunks = [
        (network, lines[start : start + size])
        for network, lines in groups.items()
        for start in range(0, len(lines), size)
    ]
    return sorted(chunks, key=lambda chunk: chunk[1][0].number)


def check_target(api: Api, admin_key: str) -> None:
    """One cheap question before the work. Raises WrongTarget with a sentence to act on."""
    try:
        answer = api.get("/api/v1/tenants?limit=1", key=admin_key)
    except Unreachable as problem:
        raise WrongTarget(f"No answer from {api.url}: {problem}. Does it run?") from problem
    if answer.status in (401, 403):
        raise WrongTarget(f"{api.url} refuses the admin key: {answer.problem}.")
    if answer.status == 404 or (answer.status == 200 and "data" not in answer.body):
        raise WrongTarget(f"{api.url} is no Tenlyr.")


@dataclass
class Replay:
    """A run under way; ``summary`` is right at any time, also after an interruption."""

    api: Api
    options: Options
    groups: Groups
    timeline: Timeline
    summary: Summary
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, log: ParsedLog, options: Options, api: Api) -> "Replay":
        """The run of a log that has lines."""
        groups = group_by_network(log.lines, options.prefixes)
        return cls(
            api=api,
            options=options,
            groups=groups,
            timeline=timeline(log.lines, until_ms=options.until_ms, now_ms=options.now_ms),
            summary=Summary({name: Tally(name, len(lines)) for name, lines in groups.items()}),
        )

    def provision_tenants(self, advance: Advance) -> None:
        """Give every network its tenant; the lines of one that gets none become errors."""
        self._run(self.groups.items(), lambda group: self._provision(*group), advance)

    def send_lines(self, advance: Advance) -> None:
        """Send the lines of every network that has a tenant."""
        started = time.monotonic()
        try:
            chunks = chunks_of(self.groups, self.options.batch_size)
            self._run(chunks, lambda chunk: self._send(*chunk), advance)
        finally:
            self.summary.seconds = time.monotonic() - started

    def save_keys(self, file: str) -> None:
        """Write the tenants' keys, which Tenlyr shows only once, for their owner's eyes only."""
        keys = [
            {"network": tenant.network, "tenantId": tenant.id, "apiKey": tenant.api_key}
            for tenant in self.summary.tenants
        ]
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, 0o600)  # a file that was there may have been open to others
            json.dump(keys, stream, indent=2)

    def _run(self, jobs: Iterable[Chunk], work: Callable[[Chunk], int], advance: Advance) -> None:
        def one(job: Chunk) -> None:
            try:
                advance(work(job))
            except Stopped:
                return

        run_all(jobs, one, threads=self.options.concurrency, stop=self.api.stop)

    def _provision(self, network: str, lines: Sequence[LogLine]) -> int:
        try:
            self.summary.tallies[network].tenant = provision(
                self.api, self.options.admin_key, network=network, plan=self.options.plan
            )
        except (ProvisioningFailed, Unreachable) as problem:
            self._count(network, lines, _failed(lines, problem))
        return 1

    def _send(self, network: str, lines: Sequence[LogLine]) -> int:
        tenant = self.summary.tallies[network].tenant
        if tenant is not None:  # else its lines were counted when provisioning failed
            try:
                delivery = self._deliver(tenant, lines)
            except Unreachable as problem:
                delivery = _failed(lines, problem)
            self._count(network, lines, delivery)
        return len(lines)

    def _deliver(self, tenant: Tenant, lines: Sequence[LogLine]) -> Delivery:
        events = [
            event_of(line, tenant_id=tenant.id, run_id=self.options.run_id, timeline=self.timeline)
            for line in lines
        ]
        if self.options.is_single:
            return send_single(self.api, tenant, events[0])
        return send_batch(self.api, tenant, events)

    def _count(self, network: str, lines: Sequence[LogLine], delivery: Delivery) -> None:
        with self._lock:
            self.summary.count(network, lines, delivery.outcomes)
            self.summary.duplicates += delivery.duplicates


def _failed(lines: Sequence[LogLine], problem: Exception) -> Delivery:
    return Delivery([Outcome(Kind.ERROR, str(problem))] * len(lines))
