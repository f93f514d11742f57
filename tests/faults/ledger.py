"""What the clients know, kept outside the stack: each event they sent and what was answered."""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

MICRO = 1_000_000
SCHEMA = """
CREATE TABLE sent (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT,               -- as it will be stored; NULL until the server that makes it has said so
    is_given INTEGER NOT NULL,
    metric TEXT NOT NULL,
    micro INTEGER NOT NULL, -- the value in millionths
    mode TEXT,
    status_code INTEGER,
    ts_ms INTEGER,         -- its own timestamp, if it has one
    mark TEXT NOT NULL,    -- its endpoint: names tenant and seq
    state TEXT NOT NULL,
    doubt INTEGER NOT NULL DEFAULT 0, -- some call with it got no answer
    sends INTEGER NOT NULL DEFAULT 1,
    sent_at REAL NOT NULL,
    known_at REAL
);
CREATE INDEX sent_mark ON sent (mark);
CREATE TABLE surprise (at REAL NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE loss (mark TEXT PRIMARY KEY); -- what a FLUSHALL is known to have taken along
"""


class State(StrEnum):
    """What became of an event, as far as its client knows."""

    ACKED = "acked"
    REFUSED = "refused"  # by a rule: the limit, or a level below zero
    NOT_DONE = "not_done"  # the answer says that nothing was done
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Sent:
    """An event as a client sends it.

    `given` is the client's own id, None when the server makes one;
    `id` is what that id becomes in the store, `micro` the value in millionths.
    """

    seq: int
    tenant: str
    given: str | None
    id: str | None
    metric: str
    micro: int
    mode: str | None
    status_code: int | None
    ts_ms: int | None
    mark: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says about one event; `id` is the one that the answer names."""

    seq: int
    state: State
    id: str | None = None

    @property
    def is_acked(self) -> bool:
        """Whether the client may rely on the event."""
        return self.state is State.ACKED


class Ledger:
    """One SQLite file for all client threads. It is read by the oracles when all is quiet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # Nobody kills the harness: it needs no durability of its own.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SCHEMA)
        self.last_ack = 0.0
        self.longest_gap_s = 0.0
        self.found_done = 0

    def close(self) -> None:
        """Close the file; it stays where it is."""
        self._db.close()

    def begin(self, events: Iterable[Sent], at: float) -> None:
        """Note events before they are sent for the first time: unknown until an answer comes."""
        rows = [
            (e.seq, e.tenant, e.id, e.given is not None, e.metric, e.micro, e.mode,
             e.status_code, e.ts_ms, e.mark, State.UNKNOWN, at)
            for e in events
        ]  # fmt: skip
        self._many(
            "INSERT INTO sent (seq, tenant, id, is_given, metric, micro, mode, status_code, ts_ms,"
            " mark, state, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def again(self, events: Iterable[Sent]) -> None:
        """Note that events are sent once more."""
        self._many("UPDATE sent SET sends = sends + 1 WHERE seq = ?", [(e.seq,) for e in events])

    def settle(self, verdicts: Iterable[Verdict], at: float) -> None:
        """Note what a call said. An event once acknowledged stays so; refused then, it is odd."""
        said = list(verdicts)
        self._many(
            "INSERT INTO surprise SELECT ?, 'forgotten', 'event ' || seq || ' was acknowledged,"
            " then refused' FROM sent WHERE seq = ? AND state = 'acked'",
            [(at, v.seq) for v in said if v.state is State.REFUSED],
        )
        self._many(
            "UPDATE sent SET state = CASE state WHEN 'acked' THEN state ELSE ? END,"
            " doubt = doubt OR ?, known_at = coalesce(known_at, ?), id = coalesce(id, ?)"
            " WHERE seq = ?",
            [
                (v.state, v.state is State.UNKNOWN, at if v.is_acked else None, v.id, v.seq)
                for v in said
            ],
        )
        if any(v.is_acked for v in said):
            self._note_ack(at)

    def found(self, count: int) -> None:
        """Note events that a resend found counted already: what would be doubled without ids."""
        with self._lock:
            self.found_done += count

    def surprise(self, what: str, at: float) -> None:
        """Note an answer that no fault explains."""
        self._many("INSERT INTO surprise VALUES (?, 'answer', ?)", [(at, what[:500])])

    def lose(self, marks: Iterable[str]) -> None:
        """Note events that were in a stream when FLUSHALL took it away."""
        self._many("INSERT OR IGNORE INTO loss VALUES (?)", [(mark,) for mark in marks])

    def take_rows(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Fill a fresh table, so that the oracles can join what was stored with what was sent."""
        names = columns.split(", ")
        marks = ", ".join("?" for _ in names)
        with self._lock:
            self._db.execute(f"DROP TABLE IF EXISTS {table}")
            self._db.execute(f"CREATE TABLE {table} ({columns})")
            self._db.execute("BEGIN")
            self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            self._db.execute("COMMIT")

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The answer to a query over everything noted."""
        with self._lock:
            return self._db.execute(query, parameters).fetchall()

    def count(self, condition: str = "TRUE") -> int:
        """How many events meet a condition."""
        return int(self.ask(f"SELECT count(*) FROM sent WHERE {condition}")[0][0])

    def _many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        with self._lock:
            self._db.execute("BEGIN")
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")

    def _note_ack(self, at: float) -> None:
        with self._lock:
            if self.last_ack:
                self.longest_gap_s = max(self.longest_gap_s, at - self.last_ack)
            self.last_ack = max(self.last_ack, at)
