"""The run: a product as a user starts it, a large tenant, two moves under writers, the verdict."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg

from tenlyr.core import keys
from tests.faults.bigmove import comparing, filling, shop
from tests.faults.bigmove.app import App
from tests.faults.bigmove.clerk import Clerk
from tests.faults.bigmove.comparing import Difference
from tests.faults.bigmove.events import Events
from tests.faults.bigmove.shop import Model
from tests.faults.bigmove.tracking import Result, Spec, Tracker
from tests.faults.calls import HOST, Connection
from tests.faults.target import wait_until
from tests.runtime.running import Up

LEVELS = ("dedicated_schema", "dedicated_database")
CLERKS, ACTS_S = 2, 40.0
ACTS_BETWEEN = 80
MOVE_S, STORE_S = 900.0, 600.0
NEIGHBOURS_ROWS = 50
PLACE = """
SELECT l.alias, l.schema_name FROM isolation_placement p
JOIN isolation_location l ON l.id = p.location_id WHERE p.tenant_id = %s
"""
COUNT = "SELECT count(*) FROM {schema}.usage_event WHERE tenant_id = %s"
OTHERS = "SELECT count(*) FROM {schema}.usage_event WHERE tenant_id <> %s"

Wait = tuple[float, float]


@dataclass(frozen=True)
class Size:
    """How large the tenant is, and how many calls it tracks a second."""

    events: int = 1_000_000
    rows: int = 500_000
    tracks_s: float = 200.0


@dataclass(frozen=True)
class Move:
    """One move: its record, what its row says of fence and steps, and when it ran (monotonic)."""

    record: dict[str, Any]
    detail: dict[str, Any]
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """From the call to the record that says `completed`."""
        return self.ended - self.began


@dataclass
class Outcome:
    """What a run found. `waits` are those of tracks and of acts, within the moves."""

    size: Size
    moves: list[Move] = field(default_factory=list)
    tracked: Result = field(default_factory=lambda: Result(0, [], []))
    acts: dict[str, int] = field(default_factory=dict)
    waits: dict[str, list[Wait]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    trespasses: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def broken(self) -> list[str]:
        """The promises that did not hold, whatever the time was."""
        found = [
            f"{one.table} differs: {one.found} rows of {one.expected}, {one.differing} wrong,"
            f" {one.examples}"
            for one in self.differences
            if not one.is_equal
        ]
        if self.tracked.missed:
            found.append(f"calls refused or unanswered: {self.tracked.missed[:5]}")
        return found + self.trespasses


@dataclass(frozen=True)
class Member:
    """A tenant of the workspace."""

    id: str
    key: str


class Scene:
    """A running product with the tenant and a neighbour that shares with it."""

    def __init__(
        self, folder: Path, size: Size, say: Callable[[str], None], **settings: str
    ) -> None:
        self._size, self._say = size, say
        self._admin = keys.generate(keys.Kind.ADMIN)
        self.up = Up(folder, TENLYR_ADMIN_KEY=self._admin, **settings)
        self._events = Events(str(uuid4())[:24], int(time.time() * 1000))
        self._model = Model(str(uuid4())[:24])
        self._apps: list[App] = []

    def play(self) -> Outcome:
        """All of it; raises where it cannot go on."""
        outcome = Outcome(self._size)
        with ExitStack() as stack:
            stack.callback(self.up.remove)
            self._say("starting the product")
            self.up.start()
            self._http = Connection(self.up.port, timeout_s=60)
            stack.callback(self._hang_up)
            self._release()
            self._mover, self._neighbour = self._tenant("Mover"), self._tenant("Neighbour")
            self._fill(outcome)
            self._move_under_writers(outcome, stack)
            self._say("waiting until everything is stored")
            self._wait_for_events(self._size.events + outcome.tracked.sent)
            self._say("comparing every row")
            self._judge(outcome)
        return outcome

    def _hang_up(self) -> None:
        self._http.close()
        for app in self._apps:
            app.close()

    # ---- before
    def _ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        reply = self._http.call(method, f"/api/v1{path}", body, key=self._admin)
        self._http.close()  # it may be minutes until the next: the server would have hung up
        if reply.status != status:
            raise RuntimeError(f"{method} {path}: {reply}")
        return reply.body

    def _release(self) -> None:
        self._ask("POST", "/dataplane/releases", {"version": 1, "sql": shop.RELEASE}, status=201)

    def _tenant(self, name: str) -> Member:
        body = {"name": name, "ownerEmail": f"{name}@example.com", "plan": "enterprise"}
        made = self._ask("POST", "/tenants", body, status=201)
        return Member(made["tenant"]["id"], made["apiKey"])

    def _app(self, member: Member) -> App:
        made = App(self.up.port, member.key)
        self._apps.append(made)
        return made

    def _fill(self, outcome: Outcome) -> None:
        size = self._size
        other = self._others = self._app(self._neighbour)
        filling.fill_shop(other, Model(str(uuid4())[:24]), NEIGHBOURS_ROWS)
        strangers = Events(str(uuid4())[:24], self._events.now_ms)
        filling.fill_usage(self.up.port, self._neighbour.key, strangers, NEIGHBOURS_ROWS)
        self._say(f"{size.rows:,} rows by the tenant's own login")
        began = time.monotonic()
        app = self._app(self._mover)
        filling.fill_shop(app, self._model, size.rows)
        app.close()
        self._say(f"{size.events:,} events in batches")
        middle = time.monotonic()
        filling.fill_usage(self.up.port, self._mover.key, self._events, size.events)
        self._wait_for_events(size.events)
        outcome.facts["seconds to fill rows"] = round(middle - began, 1)
        outcome.facts["seconds to fill and store events"] = round(time.monotonic() - middle, 1)

    # ---- the moves
    def _move_under_writers(self, outcome: Outcome, stack: ExitStack) -> None:
        clerks = [
            Clerk(self._app(self._mover), self._model, place, CLERKS, ACTS_S)
            for place in range(CLERKS)
        ]
        # What is there is no garbage: looking through a million rows would hold the clerks up.
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        spec = Spec(self.up.port, self._mover.key, self._events.prefix, self._size.tracks_s)
        tracker = Tracker(spec)
        stack.callback(tracker.abandon)
        for clerk in clerks:
            clerk.start()
        try:
            self._work(clerks)
            for level in LEVELS:
                outcome.moves.append(self._move(level))
                self._work(clerks)
        finally:
            failures = [failure for clerk in clerks if (failure := clerk.finish())]
        if failures:
            raise failures[0]
        outcome.tracked = tracker.finish()
        for clerk in clerks:
            for name, count in clerk.acts.items():
                outcome.acts[name] = outcome.acts.get(name, 0) + count
        outcome.waits = {
            "track": self._within(outcome.moves, outcome.tracked.waits),
            "operator": self._within(outcome.moves, [w for c in clerks for w in c.waits]),
        }
        outcome.facts |= {
            "refused with 40001, then repeated": sum(c.app.told_to_retry for c in clerks),
            "connections ended, then made anew": sum(c.app.hung_up for c in clerks),
        }

    def _work(self, clerks: list[Clerk]) -> None:
        """Let every clerk do enough where the tenant lives now."""
        wanted = [len(clerk.waits) + ACTS_BETWEEN for clerk in clerks]

        def is_done() -> bool:
            pairs = zip(clerks, wanted, strict=True)
            return all(clerk.failure or len(clerk.waits) >= least for clerk, least in pairs)

        wait_until(is_done, f"{ACTS_BETWEEN} acts of each clerk", STORE_S)

    def _within(self, moves: list[Move], waits: list[Wait]) -> list[Wait]:
        return [w for w in waits if any(move.began <= w[0] <= move.ended for move in moves)]

    def _move(self, level: str) -> Move:
        self._say(f"moving to {level}")
        began = time.monotonic()
        body = {"tenantId": self._mover.id, "targetLevel": level}
        started = self._ask("POST", "/isolation/migrate", body, status=201)
        record: dict[str, Any] = {}

        def is_over() -> bool:
            time.sleep(0.1)  # as often as a patient client looks
            record.update(self._ask("GET", f"/isolation/migrations/{started['id']}"))
            return record["status"] in {"completed", "failed"}

        wait_until(is_over, f"the move to {level} to end", MOVE_S)
        ended = time.monotonic()
        if record["status"] != "completed":
            raise RuntimeError(f"the move failed: {record}\n{self.up.text[-3000:]}")
        with self._control() as db:
            row = db.execute("SELECT detail FROM isolation_move WHERE id = %s", [record["id"]])
            detail = row.fetchone()[0]
        return Move(record, detail, began, ended)

    # ---- looking from outside
    def _control(self) -> Any:
        return psycopg.connect(self._superuser("postgres"), autocommit=True)

    def _superuser(self, folder: str) -> str:
        path = self.up.servers / folder
        password = quote((path / "superuser_password").read_text().strip())
        port = (path / "port").read_text().strip()
        return f"postgresql://postgres:{password}@{HOST}:{port}/tenlyr"

    def _place(self) -> tuple[Any, str]:
        """The server the mover lives on, as its superuser, and the schema."""
        with self._control() as control:
            alias, schema = control.execute(PLACE, [self._mover.id]).fetchone()
        folder = "postgres" if alias == "default" else f"instances/{alias}"
        return psycopg.connect(self._superuser(folder), autocommit=True), schema

    def _wait_for_events(self, count: int) -> None:
        db, schema = self._place()
        with db:

            def is_stored() -> bool:
                time.sleep(0.2)  # a count of a million rows is work
                row = db.execute(COUNT.format(schema=schema), [self._mover.id]).fetchone()
                return bool(row[0] >= count)

            wait_until(is_stored, f"{count} events at {schema}", STORE_S)

    # ---- afterwards
    def _judge(self, outcome: Outcome) -> None:
        app = self._apps[-1]
        db, schema = self._place()
        refused = {number for number, _ in outcome.tracked.missed}
        tracked = set(range(outcome.tracked.sent)) - refused
        outcome.differences = comparing.tables(app.connected(), self._model)
        with db:
            outcome.differences += [
                comparing.usage(
                    db, schema, self._mover.id, self._events, self._size.events, tracked
                ),
                comparing.grains(db, schema, self._mover.id),
            ]
            if db.execute(OTHERS.format(schema=schema), [self._mover.id]).fetchone()[0]:
                outcome.trespasses.append("others' events lie in the mover's database")
        outcome.trespasses += self._trespasses(app)

    def _trespasses(self, app: App) -> Iterator[str]:
        """What somebody reads that is not his."""
        link = self._others.connected()
        for table in shop.READS:
            row = link.execute(
                f"SELECT count(*), count(*) FILTER (WHERE tenant_id <> %s) FROM {table}",
                [self._neighbour.id],
            ).fetchone()
            most = NEIGHBOURS_ROWS if table == "invoices" else NEIGHBOURS_ROWS // shop.EACH
            if row != (most, 0):
                yield f"the neighbour reads {row} rows of {table}"
        try:
            psycopg.connect(**app.address(), **self._others.login, connect_timeout=10).close()
            yield "the neighbour's login enters the mover's database"
        except psycopg.OperationalError:
            pass  # as it must be
        try:
            with psycopg.connect(**self._others.address(), **app.login, connect_timeout=10) as old:
                old.execute("SELECT * FROM invoices LIMIT 1")
            yield "the mover's login reads at a place that it left"
        except psycopg.errors.SerializationFailure:
            pass  # placement_moved
