"""Counts per tenant and in all."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .loglines import LogLine
from .provisioning import Tenant
from .sending import Kind, Outcome


@dataclass(slots=True)
class Tally:
    """One tenant's lines by outcome. ``billable``: accepted with a status below 500 (X5)."""

    network: str
    lines: int = 0
    accepted: int = 0
    billable: int = 0
    refused: int = 0
    errors: int = 0
    tenant: Tenant | None = None

    def count(self, line: LogLine, outcome: Outcome) -> None:
        if outcome.kind is Kind.ACCEPTED:
            self.accepted += 1
            self.billable += line.status < 500
        elif outcome.kind is Kind.REFUSED:
            self.refused += 1
        else:
            self.errors += 1


@dataclass(slots=True)
class Summary:
    """A whole run: what came of each tenant's lines, of which errors, and how long it took."""

    tallies: dict[str, Tally]
    reasons: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    seconds: float = 0.0

    def count(self, network: str, lines: Sequence[LogLine], outcomes: Iterable[Outcome]) -> None:
        for line, outcome in zip(lines, outcomes, strict=True):
            self.tallies[network].count(line, outcome)
            if outcome.kind is Kind.ERROR:
                self.reasons[outcome.reason] += 1

    @property
    def total(self) -> Tally:
        total = Tally("Total")
        for name in ("lines", "accepted", "billable", "refused", "errors"):
            setattr(total, name, sum(getattr(tally, name) for tally in self.tallies.values()))
        return total

    @property
    def by_size(self) -> list[Tally]:
        return sorted(self.tallies.values(), key=lambda tally: (-tally.lines, tally.network))

    @property
    def tenants(self) -> list[Tenant]:
        return [tally.tenant for tally in self.by_size if tally.tenant is not None]

    @property
    def is_complete(self) -> bool:
        """Every line was accepted or refused by its limit."""
        total = self.total
        return total.accepted + total.refused == total.lines

    @property
    def lines_per_s(self) -> float:
        total = self.total
        settled = total.accepted + total.refused + total.errors
        return settled / self.seconds if self.seconds else 0.0
