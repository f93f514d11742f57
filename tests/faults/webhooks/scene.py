"""A running product, its endpoints, and events written as the product writes them."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from celery import Celery

from tenlyr.core import ids
from tests.faults.calls import Connection
from tests.faults.target import Stuck, Target, wait_until
from tests.faults.webhooks.receivers import GOOD, HOLE, Cast
from tests.stack.product import kill9

# What beat does.
SWEEP_EVERY_S = 5.0
TICK_S = 0.05
KIND = "tenant.suspended"
ADD = """
INSERT INTO webhooks_outboxevent
    (id, type, workspace_id, tenant_id, data, created_at, is_fanned_out)
VALUES (%s, %s, %s, %s, %s, %s, false)
"""
LEFT = """
SELECT (SELECT count(*) FROM webhooks_outboxevent WHERE NOT is_fanned_out),
       (SELECT count(*) FROM webhooks_delivery WHERE status = 'pending' AND endpoint_id <> %s)
"""
# Rows that the pump has in hand are left alone: waiting for one another would end in a deadlock.
PASS = """
UPDATE webhooks_delivery SET next_at = next_at - %s::interval, first_at = first_at - %s::interval
WHERE id IN (SELECT id FROM webhooks_delivery WHERE status = 'pending' FOR UPDATE SKIP LOCKED)
"""
HURRY = """
UPDATE webhooks_delivery SET next_at = now()
WHERE id IN (SELECT id FROM webhooks_delivery WHERE status = 'pending' AND next_at > now()
             AND endpoint_id <> %s FOR UPDATE SKIP LOCKED)
"""


class Scene:
    """One workspace of a product whose worker for what is prompt gets killed."""

    def __init__(self, target: Target, cast: Cast) -> None:
        self.target, self.cast = target, cast
        self.endpoints: dict[str, UUID] = {}
        self.sent: dict[str, float] = {}
        self.kills = 0
        self._line = Connection(target.port, timeout_s=30)
        self._db = psycopg.connect(target.superuser_url, autocommit=True)
        # Not for others of this process: it ends with the product.
        self._celery = Celery(broker=target.product.settings["REDIS_URL"], set_as_current=False)
        self._workspace = self.ask("SELECT id FROM workspaces_workspace")[0][0]
        self._tenants = [ids.uuid7() for _ in range(20)]
        self._swept_at = 0.0

    def ask(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """A statement as the superuser; its rows."""
        cursor = self._db.execute(query, params or None)
        return cursor.fetchall() if cursor.description else []

    def listen(self, name: str) -> None:
        """Open a receiver and make its endpoint over the API."""
        body = {"url": self.cast.open(name), "events": [KIND], "description": name}
        reply = self._line.post(
            "/api/v1/webhooks/endpoints", body, key=self.target.product.admin_key
        )
        if reply.status != 201:
            raise Stuck(f"no endpoint: {reply}")
        self.endpoints[name] = UUID(reply.body["id"])
        self.cast.heard[name].secret = reply.body["secret"]

    def suspend_somebody(self) -> str:
        """An event of the product's own, over the API, and no clock: its commit alone must wake the
        worker. Answers its id. Raises `Stuck` when it does not reach the good one.
        """
        began = time.time()
        customer = self.target.customer("Webhooks")
        path = f"/api/v1/tenants/{customer.id}/suspend"
        reply = self._line.post(path, {}, key=self.target.product.admin_key)
        if reply.status != 200:
            raise Stuck(f"not suspended: {reply}")
        heard = self.cast.heard[GOOD].accepted
        wait_until(lambda: bool(heard), "a suspension reaches its receiver", 60)
        [event_id] = heard
        self.sent[event_id] = began
        return event_id

    def send(self, count: int, rate: float, kills: int = 0) -> list[str]:
        """So many events at so many a second, the worker killed at even distances; their ids."""
        began = time.monotonic()
        sent: list[str] = []
        due = [count * (number + 1) // (kills + 1) for number in range(kills)]
        while len(sent) < count:
            self.sweep()
            wanted = min(count, int((time.monotonic() - began) * rate) + 1)
            sent += self._add(wanted - len(sent))
            while due and len(sent) >= due[0]:
                due.pop(0)
                self.kill()
            time.sleep(TICK_S)
        return sent

    def _add(self, count: int) -> list[str]:
        made = []
        with self._db.transaction():
            for _ in range(count):
                now, number = time.time(), len(self.sent)
                tenant = self._tenants[number % len(self._tenants)]
                event_id = ids.event_id()
                data = json.dumps({"tenantId": str(tenant), "number": number, "reason": "ü" * 40})
                at = datetime.fromtimestamp(now, UTC)
                self._db.execute(ADD, [event_id, KIND, self._workspace, tenant, data, at])
                self.sent[event_id] = now
                made.append(event_id)
        return made

    def sweep(self) -> None:
        """Do what beat does."""
        if time.monotonic() > self._swept_at + SWEEP_EVERY_S:
            self._celery.send_task("webhooks.pump", queue="prompt", expires=10)
            self._swept_at = time.monotonic()

    def kill(self) -> None:
        """SIGKILL the worker with its children, in the middle of whatever it does; another starts,
        as the supervisor would have it.
        """
        worker = self.target.product.prompt
        if worker is None:
            raise RuntimeError("the product runs without a worker for what is prompt")
        kill9(worker)
        worker.bury()
        worker.start()
        self.kills += 1
        self._swept_at = 0.0

    def pass_time(self, length: str) -> None:
        """Let so much time go by, as far as deliveries can tell."""
        self.ask(PASS, length, length)

    def attend(self, length_s: float) -> None:
        """Do what beat does for so long."""
        end = time.monotonic() + length_s
        while time.monotonic() < end:
            self.sweep()
            time.sleep(TICK_S)

    def drain(self, timeout_s: float) -> None:
        """Wait until nothing is left but what the black hole was sent, every retry due at once.
        Raises `Stuck`.
        """

        def is_done() -> bool:
            self.sweep()
            self.ask(HURRY, self._hole)
            time.sleep(10 * TICK_S)
            return self.left() == (0, 0)

        wait_until(is_done, f"all is delivered; left are {self.left()}", timeout_s)

    def left(self) -> tuple[int, int]:
        """Events without deliveries, and deliveries to the living that are not finished."""
        events, deliveries = self.ask(LEFT, self._hole)[0]
        return events, deliveries

    def stand(self) -> dict[str, dict[str, int]]:
        """How many deliveries of each endpoint are in each state."""
        rows = self.ask("SELECT endpoint_id, status, count(*) FROM webhooks_delivery GROUP BY 1, 2")
        return {
            name: {status: count for one, status, count in rows if one == endpoint_id}
            for name, endpoint_id in self.endpoints.items()
        }

    def attempts(self) -> dict[str, int]:
        """How many attempts were begun to each endpoint."""
        rows = dict(
            self.ask("SELECT endpoint_id, sum(attempts)::int FROM webhooks_delivery GROUP BY 1")
        )
        return {name: rows.get(one, 0) for name, one in self.endpoints.items()}

    def close(self) -> None:
        """Hang up."""
        self._line.close()
        self._db.close()

    @property
    def _hole(self) -> UUID:
        return self.endpoints.get(HOLE, UUID(int=0))
