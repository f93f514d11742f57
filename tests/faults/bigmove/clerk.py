"""The operator's app at work: inserts, updates and deletes, and the model that knows of each."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.faults.bigmove import shop
from tests.faults.bigmove.app import Act, App
from tests.faults.bigmove.shop import LATER, Model

SINCE = "timestamptz 'epoch' + %s::bigint * interval '1 microsecond'"
INSERT_CUSTOMER = (
    "INSERT INTO customers (id, number, version, email, mood, credit, photo, since)"
    f" VALUES (%s, %s, %s, %s, %s, %s, decode(%s, 'hex'), {SINCE})"
)
INSERT_INVOICE = (
    "INSERT INTO invoices (number, version, customer_id, state, total, body, seal, issued_at)"
    f" VALUES (%s, %s, %s, %s, %s, %s, decode(%s, 'hex'), {SINCE})"
)
INSERT_LINE = (
    "INSERT INTO lines (invoice_id, number, version, text, price)"
    " SELECT id, number, %s, %s, %s FROM invoices WHERE number = %s RETURNING invoice_id"
)
UPDATE_CUSTOMER = (
    "UPDATE customers SET version = %s, email = %s, mood = %s, credit = %s,"
    f" photo = decode(%s, 'hex'), since = {SINCE} WHERE number = %s RETURNING version"
)
UPDATE_INVOICE = (
    "UPDATE invoices SET version = %s, state = %s, total = %s, body = %s, seal = decode(%s, 'hex'),"
    f" issued_at = {SINCE} WHERE number = %s RETURNING version"
)
UPDATE_LINE = (
    "UPDATE lines SET version = %s, text = %s, price = %s WHERE number = %s RETURNING version"
)
ROOM = 100_000_000


class Clerk:
    """One thread with a connection; it alone writes to the customers whose numbers leave `place`
    when divided by `clerks`. `waits` has the moment (monotonic) and the seconds of each act.
    """

    def __init__(self, app: App, model: Model, place: int, clerks: int, per_s: float) -> None:
        self.app, self.model, self._per_s = app, model, per_s
        self.waits: list[tuple[float, float]] = []
        self.acts: dict[str, int] = {}
        self.failure: BaseException | None = None
        self._next = LATER + place * ROOM
        self._mine = [number for number in model.customers if number % clerks == place]
        self._random = random.Random(f"{model.prefix}{place}")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"clerk-{place}")
        self._kinds: list[Callable[[], Act | None]] = [
            *[self._hire] * 2, *[self._bill] * 5, *[self._greet] * 3, *[self._note] * 2,
            self._cancel, self._fire,
        ]  # fmt: skip

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> BaseException | None:
        """End the act at hand, and do no other; answers what stopped the clerk before."""
        self._stop.set()
        self._thread.join(120)
        self.app.close()
        return self.failure

    def _run(self) -> None:
        try:
            due = time.monotonic()
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / self._per_s, time.monotonic() - 1)
                act = self._random.choice(self._kinds)()
                if act is not None:
                    began = time.monotonic()
                    self.waits.append((began, self.app.do(act)))
                    self.acts[act.name] = self.acts.get(act.name, 0) + 1
        except BaseException as error:
            self.failure = error

    def _customer(self) -> int:
        """One of mine, or -1 for none left."""
        return self._random.choice(self._mine) if self._mine else -1

    def _invoice(self, among: dict[int, int]) -> int:
        """An invoice of mine with a row in `among`, or -1."""
        numbers = [one for one in shop.invoices_of(self._customer()) if one in among]
        return self._random.choice(numbers) if numbers else -1

    def _hire(self) -> Act:
        model, number = self.model, self._next
        self._next += 1
        customer_id = model.customer_id(number)

        def keep(invoice_id: Any) -> None:
            model.ids[number] = invoice_id
            model.customers[number] = model.invoices[number] = model.lines[number] = 0
            self._mine.append(number)

        return Act(
            "insert",
            [
                (INSERT_CUSTOMER, (customer_id, number, 0, *shop.customer(number, 0))),
                (INSERT_INVOICE, (number, 0, customer_id, *shop.invoice(number, 0))),
                (INSERT_LINE, (0, *shop.line(number, 0), number)),
            ],
            ("SELECT id FROM invoices WHERE number = %s", (number,)),
            keep,
        )

    def _greet(self) -> Act | None:
        number = self._customer()
        return self._update("customers", UPDATE_CUSTOMER, number, shop.customer)

    def _bill(self) -> Act | None:
        number = self._invoice(self.model.invoices)
        return self._update("invoices", UPDATE_INVOICE, number, shop.invoice)

    def _note(self) -> Act | None:
        return self._update("lines", UPDATE_LINE, self._invoice(self.model.lines), shop.line)

    def _update(
        self, table: str, sql: str, number: int, values: Callable[[int, int], shop.Row]
    ) -> Act | None:
        if number < 0:
            return None
        versions: dict[int, int] = getattr(self.model, table)
        version = versions[number] + 1
        return Act(
            "update",
            [(sql, (version, *values(number, version), number))],
            (f"SELECT 1 FROM {table} WHERE number = %s AND version = %s", (number, version)),
            lambda _: versions.update({number: version}),
        )

    def _cancel(self) -> Act | None:
        number = self._invoice(self.model.invoices)
        return self._delete("invoices", number, self.model.forget_invoice)

    def _fire(self) -> Act | None:
        """A customer goes, by a cascade through both other tables."""
        number = self._customer()

        def forget(gone: int) -> None:
            self.model.forget_customer(gone)
            self._mine.remove(gone)

        return self._delete("customers", number, forget)

    def _delete(self, table: str, number: int, forget: Callable[[int], None]) -> Act | None:
        if number < 0:
            return None
        return Act(
            "delete",
            [(f"DELETE FROM {table} WHERE number = %s RETURNING 1", (number,))],
            (f"SELECT 1 WHERE NOT EXISTS (SELECT FROM {table} WHERE number = %s)", (number,)),
            lambda _: forget(number),
        )
