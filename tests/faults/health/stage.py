"""A started product with two beats, receivers of the test's own, and looks at what it holds."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import psycopg

from tests.faults.calls import Connection, NoAnswer, Reply
from tests.faults.target import LOOK_EVERY_S, Stuck, Target
from tests.faults.workload import Customer
from tests.stack import product
from tests.webhooks.receiving import Receiver, Receivers

BEATS = 2
PATIENCE_S = 120.0
CALL_S = 30.0
LATENCY_MS = 40
# What no period of the product's own can hold up longer: what channels are told waits a minute.
SETTINGS = {"TENLYR_EGRESS_ALLOW_LOOPBACK": "1", "TENLYR_LOG_LEVEL": "WARNING"}
SCANS = "SELECT count(*) FROM core_jobrun WHERE job = 'health.scan'"
SCANS_UNTIL = SCANS + " AND started_at > %s AND started_at <= %s"
NOW = "SELECT clock_timestamp()"

Say = Callable[[str], None]


class Stage:
    """Everything that runs. `hooks` hears of all events, `ordered` likewise and in order,
    `channel` of alerts.
    """

    hooks: Receiver
    ordered: Receiver
    channel: Receiver

    def __init__(self, *, period_s: int, window_s: int, alert_s: int) -> None:
        self.period_s, self.window_s = period_s, window_s
        self.target = Target(
            web=1,
            worker=True,
            prompt=True,
            beats=BEATS,
            **SETTINGS,
            TENLYR_HEALTH_PERIOD_S=str(period_s),
            TENLYR_HEALTH_WINDOW_S=str(window_s),
            TENLYR_ALERT_PERIOD_S=str(alert_s),
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            receivers = stack.enter_context(Receivers())
            self.hooks, self.ordered, self.channel = (receivers.add() for _ in range(3))
            stack.enter_context(self.target)
            self._db = psycopg.connect(self.target.superuser_url, autocommit=True)
            stack.callback(self._db.close)
            self._line = Connection(self.target.port, timeout_s=CALL_S)
            stack.callback(self._line.close)
            self._register()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _register(self) -> None:
        """Both endpoints and the channel, before anything happens."""
        for receiver, is_ordered in ((self.hooks, False), (self.ordered, True)):
            asked = {"url": receiver.url, "events": ["*"], "ordered": is_ordered}
            self.call("POST", "/api/v1/webhooks/endpoints", asked, wanted=201)
        asked = {"kind": "webhook", "target": self.channel.url}
        self.call("POST", "/api/v1/alerts/channels", asked, wanted=201)

    # ---- over HTTP
    def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", wanted: int = 200
    ) -> Any:
        """The body of the answer; asks again while nobody answers. Raises `Stuck`."""
        once, end = str(uuid4()), time.monotonic() + PATIENCE_S
        while True:
            reply = self._called(method, path, body, key or self.target.product.admin_key, once)
            if reply is not None and reply.status == wanted:
                return reply.body
            if time.monotonic() > end or (reply is not None and reply.status < 500):
                raise Stuck(f"{method} {path} was answered {reply}")
            self.target.tend()
            time.sleep(0.1)  # the back-off of a client

    def get(self, path: str, *, key: str = "") -> Any:
        """What a GET answers."""
        return self.call("GET", f"/api/v1/{path}", key=key)

    def track(self, customer: Customer, calls: int, errors: int) -> None:
        """Let the tenant's API have had so many calls, `errors` of which failed: at one moment, and
        each of them once, however often this must be sent.
        """
        body = [
            {
                "id": str(uuid4()),
                "metric": "api_call",
                "value": 1,
                "statusCode": 503 if number < errors else 200,
                "latencyMs": LATENCY_MS,
            }
            for number in range(calls)
        ]
        answer = self.call("POST", "/api/v1/usage/track/batch", body, key=customer.key)
        statuses = {one["status"] for one in answer["results"]}
        if statuses != {201}:
            raise Stuck(f"a batch was answered {statuses}")

    def _called(self, method: str, path: str, body: Any, key: str, once: str) -> Reply | None:
        try:
            if method == "POST":
                return self._line.post(path, body, key=key, idempotency_key=once)
            return self._line.call(method, path, body, key=key)
        except NoAnswer:
            return None

    # ---- in the database
    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query finds, as the superuser sees it."""
        return self._db.execute(query, parameters or None).fetchall()

    def one(self, query: str, *parameters: Any) -> Any:
        """The only value that a query finds."""
        return self.rows(query, *parameters)[0][0]

    def now(self) -> Any:
        """The moment, by Postgres' clock."""
        return self.one(NOW)

    def scans(self) -> int:
        """How many scans there were."""
        return int(self.one(SCANS))

    def scans_between(self, since: Any, until: Any) -> int:
        """How many scans claimed their period after `since` and up to `until`."""
        return int(self.one(SCANS_UNTIL, since, until))

    # ---- waiting and breaking
    def until(
        self,
        is_so: Callable[[], bool],
        what: str,
        *,
        timeout_s: float = PATIENCE_S,
        meanwhile: Callable[[], None] = lambda: None,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        """Look until it is so, and start what has ended, as the supervisor does; raises `Stuck`."""
        end = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > end:
                said = "\n".join(self.target.product.lines[-30:])
                raise Stuck(f"not within {timeout_s:g} s: {what}\n{said}")
            self.target.tend()
            meanwhile()
            time.sleep(every_s)

    def kill_worker(self) -> None:
        """SIGKILL the worker for what is prompt, all its processes, and start it again."""
        child = self.target.product.prompt
        if child is None:
            raise RuntimeError("no such worker")
        product.kill9(child)
        child.bury()
        child.start()

    def pause(self, seconds: float) -> None:
        """Let a moment pass, so that what is killed then is anywhere in its work."""
        time.sleep(seconds)

    def kill_waiting_at(self, table: str, change: Callable[[], None]) -> None:
        """Stop whoever writes to the table after the change, kill the worker there, let it go."""
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        with psycopg.connect(self.target.superuser_url) as holder:
            holder.execute(f'LOCK TABLE "{table}" IN SHARE MODE')
            change()
            self.until(lambda: self.one(waits, table) > 0, f"nobody writes to {table}")
            self.kill_worker()
            holder.rollback()

    def kill_valkey(self, chance: random.Random) -> None:
        """SIGKILL Valkey and start it on its file again."""
        self.target.kill_valkey(chance)


def expect(violations: list[str], what: str, found: object, wanted: object) -> None:
    """Note a violation unless both are the same."""
    if found != wanted:
        violations.append(f"{what}: {str(found)[:400]}, not {str(wanted)[:400]}")


def ids_of(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The first column as text."""
    return [str(row[0]) for row in rows]
