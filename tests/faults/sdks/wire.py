"""What a driver's wire noted: every try of every event, for the oracles to join with what is stored."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.faults.ledger import MICRO, Ledger, Sent, State, Verdict


@dataclass
class Noted:
    """A wire, read: distinct events, sends beyond the first, and what the server said of them."""

    events: int = 0
    resends: int = 0
    tries: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    duplicates: int = 0
    changed: list[str] = field(default_factory=list)


def read(path: Path, ledger: Ledger) -> Noted:
    """Bring a wire into the ledger: each event as it was sent first, and as acknowledged.

    A buffer that was closed well and lost nothing says that of all of them.
    """
    noted, ids = Noted(), dict[str, str]()
    with path.open("rb") as lines:
        for line in lines:
            kind, _, rest = line.rstrip(b"\n").partition(b" ")
            if kind == b">":
                _sent(orjson.loads(rest), ids, noted, ledger)
            else:
                status, duplicates = map(int, rest.split())
                noted.answers[status] = noted.answers.get(status, 0) + 1
                noted.duplicates += duplicates
    noted.events = len(ids)
    ledger.settle(
        [Verdict(int(mark.rsplit("/", 1)[1]), State.ACKED) for mark in ids], time.time()
    )
    return noted


def _sent(body: list[dict[str, Any]], ids: dict[str, str], noted: Noted, ledger: Ledger) -> None:
    """One try: an event that was sent before must have the id that it had then."""
    noted.tries += 1
    fresh: list[Sent] = []
    for event in body:
        mark, given = event["endpoint"], event["id"]
        if mark not in ids:
            ids[mark] = given
            fresh.append(_of(event))
            continue
        noted.resends += 1
        if ids[mark] != given:
            noted.changed.append(f"{mark}: {ids[mark]}, then {given}")
    ledger.begin(fresh, time.time())


def _of(event: dict[str, Any]) -> Sent:
    _, _, tenant, seq = event["endpoint"].split("/")
    return Sent(
        seq=int(seq),
        tenant=tenant,
        given=event["id"],
        id=event["id"],
        metric=event["metric"],
        micro=round(event["value"] * MICRO),
        mode=event.get("mode"),
        status_code=event.get("statusCode"),
        ts_ms=None,  # it may be left to the server
        mark=event["endpoint"],
    )
