"""What the tenant has before it moves: usage by the batch, rows by its own login."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.faults.bigmove import shop
from tests.faults.bigmove.app import App
from tests.faults.bigmove.events import Events
from tests.faults.bigmove.shop import EACH, Model, Row
from tests.faults.calls import Connection, NoAnswer, Reply

EVENTS_A_CALL, CALLERS = 2_000, 2
ROWS_A_STATEMENT = 5_000
PATIENCE_S = 120.0
SINCE = "timestamptz 'epoch' + u.at * interval '1 microsecond'"
INSERTS = {
    "customers": "INSERT INTO customers (id, number, version, email, mood, credit, photo, since)"
    f" SELECT u.id, u.number, 0, u.email, u.mood::mood, u.credit, decode(u.photo, 'hex'), {SINCE}"
    " FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::text[],"
    " %s::bigint[]) AS u (id, number, email, mood, credit, photo, at) RETURNING number, 0",
    "invoices": "INSERT INTO invoices"
    " (number, version, customer_id, state, total, body, seal, issued_at)"
    " SELECT u.number, 0, u.customer, u.state::state, u.total, u.body, decode(u.seal, 'hex'),"
    f" {SINCE} FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::numeric[], %s::jsonb[],"
    " %s::text[], %s::bigint[]) AS u (number, customer, state, total, body, seal, at)"
    " RETURNING number, id",
    "lines": "INSERT INTO lines (invoice_id, number, version, text, price)"
    " SELECT u.invoice, u.number, 0, u.text, u.price FROM unnest(%s::bigint[], %s::bigint[],"
    " %s::text[], %s::numeric[]) AS u (invoice, number, text, price) RETURNING number, 0",
}


def fill_usage(port: int, key: str, events: Events, count: int) -> None:
    """Track events 0 to `count` in batches; raises when one is refused."""
    starts = range(0, count, EVENTS_A_CALL)

    def send(number: int) -> None:
        connection = Connection(port, timeout_s=60)
        for start in starts[number::CALLERS]:
            _send(connection, key, events, range(start, min(start + EVENTS_A_CALL, count)))
        connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(send, range(CALLERS)))


def _send(connection: Connection, key: str, events: Events, numbers: range) -> None:
    body = json.loads(f"[{','.join(map(events.body, numbers))}]")
    end = time.monotonic() + PATIENCE_S
    while True:
        reply = _post(connection, key, body)
        if reply is not None and reply.status == 200:
            statuses = {one["status"] for one in reply.body["results"]}
            if statuses != {201}:
                raise RuntimeError(f"a batch was answered {statuses}")
            return
        if time.monotonic() > end or (reply is not None and reply.status < 500):
            raise RuntimeError(f"a batch was answered {reply}")
        time.sleep(0.5)  # the stream is as full as it may be, or the web is busy: a back-off


def _post(connection: Connection, key: str, body: Any) -> Reply | None:
    try:
        return connection.post("/api/v1/usage/track/batch", body, key=key)
    except NoAnswer:
        return None  # the same ids again count once


def fill_shop(app: App, model: Model, rows: int) -> None:
    """Give the tenant `rows` invoices, and customers and lines to them, without a word about
    tenants.
    """
    customers, invoices = range(rows // EACH), range(rows // EACH * EACH)
    for number, _ in _insert(app, "customers", customers, lambda n: _customer(model, n)):
        model.customers[number] = 0
    for number, invoice_id in _insert(app, "invoices", invoices, lambda n: _invoice(model, n)):
        model.invoices[number], model.ids[number] = 0, invoice_id
    lines = [number for number in invoices if shop.has_line(number)]
    for number, _ in _insert(app, "lines", lines, lambda n: _line(model, n)):
        model.lines[number] = 0


def _customer(model: Model, number: int) -> Row:
    return model.customer_id(number), str(number), *shop.customer(number, 0)


def _invoice(model: Model, number: int) -> Row:
    customer = model.customer_id(shop.customer_of(number))
    return str(number), customer, *shop.invoice(number, 0)


def _line(model: Model, number: int) -> Row:
    return str(model.ids[number]), str(number), *shop.line(number, 0)


def _insert(app: App, table: str, numbers: Any, row: Any) -> Iterator[tuple[int, int]]:
    for start in range(0, len(numbers), ROWS_A_STATEMENT):
        made = [row(number) for number in numbers[start : start + ROWS_A_STATEMENT]]
        columns = [list(column) for column in zip(*made, strict=True)]
        yield from app.connected().execute(INSERTS[table], columns).fetchall()
