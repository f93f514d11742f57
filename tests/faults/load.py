"""Client threads: they send, resend what got no answer with the same ids, and note all of it."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.calls import Connection, NoAnswer, Reply
from tests.faults.ledger import Ledger, Sent, State, Verdict
from tests.faults.workload import Call, Customer, Maker

TRACK, BATCH = "/api/v1/usage/track", "/api/v1/usage/track/batch"
BY_RULE = {"plan_limit_exceeded", "usage_below_zero"}
NOTHING_DONE = {"rebuilding"}
BACK_OFF_S = 0.05


class Surprise(Exception):
    """An answer that no fault explains."""


def judge(event: Sent, status: int, code: str, answered: str | None) -> Verdict:
    """What the answer to one event means; raises `Surprise`."""
    if status == 201:
        if event.id not in (None, answered):
            raise Surprise(f"event {event.seq} with id {event.id} was answered as {answered}")
        return Verdict(event.seq, State.ACKED, answered)
    if status == 400 and code in BY_RULE:
        return Verdict(event.seq, State.REFUSED)
    if status == 503:
        return Verdict(event.seq, State.NOT_DONE if code in NOTHING_DONE else State.UNKNOWN)
    raise Surprise(f"event {event.seq} was answered {status} {code}")


def verdicts(call: Call, events: list[Sent], reply: Reply) -> list[Verdict]:
    """What a reply says about each event that was sent; raises `Surprise`."""
    if not call.is_batch:
        body = reply.body if isinstance(reply.body, dict) else {}
        return [judge(events[0], reply.status, reply.code, body.get("id"))]
    if reply.status != 200:
        return [judge(event, reply.status, reply.code, None) for event in events]
    results = reply.body["results"]
    if [result["index"] for result in results] != list(range(len(events))):
        raise Surprise(f"the results of a batch of {len(events)} are not in its order")
    return [
        judge(event, result["status"], result.get("code", ""), result.get("id"))
        for event, result in zip(events, results, strict=True)
    ]


def _found_done(call: Call, reply: Reply) -> int:
    """How many events of a resent call had been counted before."""
    if call.is_batch:
        return int(reply.body["duplicates"]) if reply.status == 200 else 0
    return int(reply.is_replay)


def may_resend(event: Sent, verdict: Verdict) -> bool:
    """Whether the client comes again: without an id of its own only if nothing was done."""
    if verdict.state is State.UNKNOWN:
        return event.given is not None
    return verdict.state is State.NOT_DONE


class Client:
    """One customer's program: a connection, and the calls it makes one after the other."""

    def __init__(self, ledger: Ledger, port: int, *, patience_s: float = 60.0) -> None:
        self._ledger = ledger
        self._connection = Connection(port)
        self._patience_s = patience_s

    def send(self, call: Call) -> list[Verdict]:
        """Send a call, and again whatever of it is not known; answers the last verdicts."""
        self._ledger.begin(call.events, time.time())
        final = {event.seq: Verdict(event.seq, State.UNKNOWN) for event in call.events}
        due, end = call.events, time.monotonic() + self._patience_s
        while True:
            said = self._attempt(call, call.part(due), is_resend=due is not call.events)
            final |= {verdict.seq: verdict for verdict in said}
            due = [event for event in call.events if may_resend(event, final[event.seq])]
            if not due or not said or time.monotonic() > end:
                return list(final.values())
            self._ledger.again(due)
            time.sleep(BACK_OFF_S)  # a client's back-off, nothing waits for it

    def replay(self, call: Call) -> None:
        """Send what is known once more: nothing may change by it."""
        events = call.part([event for event in call.events if event.given is not None])
        if events:
            self._ledger.again(events)
            self._attempt(call, events)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _attempt(self, call: Call, events: list[Sent], *, is_resend: bool = False) -> list[Verdict]:
        """Send once; answers nothing after a surprise, which ends the run with a violation."""
        try:
            reply = self._ask(call, events)
            said = verdicts(call, events, reply)
        except NoAnswer:
            said, reply = [Verdict(event.seq, State.UNKNOWN) for event in events], None
        except Surprise as surprise:
            self._ledger.surprise(str(surprise), time.time())
            return []
        if is_resend and reply is not None:
            self._ledger.found(_found_done(call, reply))
        self._ledger.settle(said, time.time())
        return said

    def _ask(self, call: Call, events: list[Sent]) -> Reply:
        headers = {"idempotency_key": call.idempotency_key} if call.idempotency_key else {}
        path = BATCH if call.is_batch else TRACK
        return self._connection.post(path, call.body(events), key=call.customer.key, **headers)


@dataclass
class Clients:
    """Several clients at once. `pick` names the customer of the next call; `calls_s` bounds all
    their calls, so that the stack has air to start its killed parts again.
    """

    ledger: Ledger
    port: int
    pick: Callable[[random.Random], Customer]
    seed: int
    count: int = 4
    calls_s: float = 150.0
    on_refused: Callable[[Customer], None] = lambda _: None
    patience_s: float = 60.0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"client-{number}")
            for number in range(self.count)
        ]
        self._failures: list[BaseException] = []

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Send no more, wait until every call is known or given up; raises what broke a client."""
        self.stop.set()
        for thread in self._threads:
            thread.join(2 * self.patience_s + 30)
        if alive := [thread.name for thread in self._threads if thread.is_alive()]:
            raise RuntimeError(f"clients do not end: {alive}")
        if self._failures:
            raise self._failures[0]

    def _run(self, number: int) -> None:
        try:
            self._send_all(number)
        except BaseException as error:
            self._failures.append(error)
            self.stop.set()

    def _send_all(self, number: int) -> None:
        maker = Maker(f"{self.seed}/{number}")
        chance = random.Random(f"{self.seed}/{number}/chance")
        client = Client(self.ledger, self.port, patience_s=self.patience_s)
        pause, due = self.count / self.calls_s, time.monotonic()
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            # A client that was held up catches up a little, not all of it.
            due = max(due + pause, time.monotonic() - 5 * pause)
            call = maker.call(self.pick(chance))
            if any(said.state is State.REFUSED for said in client.send(call)):
                self.on_refused(call.customer)
            if chance.random() < 0.05:
                client.replay(call)
        client.close()
