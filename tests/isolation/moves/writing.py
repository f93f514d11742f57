"""Writers that go on while a tenant moves, and the model of what must be there afterwards."""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Self
from uuid import UUID

import psycopg
from django.db import connections

from apps.isolation.moves import links
from apps.isolation.public import Location
from tenlyr.core import redis
from tests.isolation.moves import shop, usage

Connection = psycopg.Connection[Any]
Row = dict[str, Any]
WHERE = """
SELECT l.alias, l.schema_name FROM public.isolation_placement p
JOIN public.isolation_location l ON l.id = p.location_id WHERE p.tenant_id = %s
"""
FEW = 2_000
# Who waits says so in `waits_ms`; it is no error, however slow the machine.
SETTINGS = "SET application_name = 'shop'; SET lock_timeout = '60s'"
IDS = {"customer": ("id",), "order": ("id",), "document": ("name", "at")}


class Writer:
    """One thread that calls `write` until it is stopped; `waits_ms` is how long each took."""

    def __init__(self, tenant_id: UUID, pause_s: float) -> None:
        self.tenant_id, self.pause_s = tenant_id, pause_s
        self.waits_ms: list[float] = []
        self.refused = 0
        self.errors: list[str] = []
        self._connections: dict[str, Connection] = {}
        self._control = usage.control_fleet()
        self._control.execute(SETTINGS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish the write at hand, and no other."""
        self._stop.set()
        self._thread.join(60)
        for connection in (self._control, *self._connections.values()):
            connection.close()

    def at(self, alias: str) -> Connection:
        """A connection that is no mover's."""
        if alias not in self._connections:
            made = links.fleet(Location(0, alias, ""))
            made.execute(SETTINGS)
            self._connections[alias] = made
        return self._connections[alias]

    def where(self) -> Location:
        """Where the tenant is at this moment."""
        found = self._control.execute(WHERE, [self.tenant_id]).fetchone()
        assert found is not None
        return Location(0, *found)

    def write(self) -> Callable[[], object]:
        """One transaction; answers what brings it into the model, now that it is committed."""
        raise NotImplementedError

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                began = time.perf_counter()
                keep = self._write_until_it_is_taken()
                self.waits_ms.append((time.perf_counter() - began) * 1000)
                keep()
                time.sleep(self.pause_s * random.random() * 2)
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    def _write_until_it_is_taken(self) -> Callable[[], object]:
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.write()
            except psycopg.errors.SerializationFailure:
                self.refused += 1
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)


class Tracker(Writer):
    """Stores events as the consumer does: the shard's lock, then the placement, then the rows."""

    def __init__(self, tenant_id: UUID, pause_s: float = 0.005) -> None:
        super().__init__(tenant_id, pause_s)
        self.events: set[str] = set()

    def write(self) -> Callable[[], object]:
        control, event = self._control, uuid.uuid4()
        with control.transaction():
            control.execute(
                "SELECT FROM public.metering_shard WHERE shard = %s FOR UPDATE",
                [redis.shard_of(self.tenant_id)],
            )
            where = self.where()
            store = control if where.alias == "default" else self.at(where.alias)
            with store.transaction():
                self._insert(store, where.schema, event)
        return lambda: self.events.add(str(event))

    def _insert(self, store: Connection, schema: str, event: UUID) -> None:
        store.execute(
            f"INSERT INTO {schema}.usage_event (tenant_id, id, ts, value, delta, billable, metric)"
            " VALUES (%s, %s, now(), 1, 1, true, 'api_call')",
            [self.tenant_id, event],
        )
        store.execute(
            f"INSERT INTO {schema}.usage_rollup AS u VALUES"
            " (%s, '2027-01-01', 'month', 'api_call', 1, 0, 1)"
            " ON CONFLICT (tenant_id, grain, metric, start) DO UPDATE SET count = u.count + 1",
            [self.tenant_id],
        )


class Clerk(Writer):
    """Inserts, updates and deletes the shop's rows, and keeps them as they must be."""

    def __init__(self, tenant_id: UUID, where: Location, pause_s: float = 0.005) -> None:
        super().__init__(tenant_id, pause_s)
        self.model: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in shop.KEYS}
        for table, texts in shop.rows(where, tenant_id).items():
            for text in texts:
                self._keep(table, json.loads(text))
        # Of very many rows, those that this clerk has touched and some of the others.
        self._own: dict[str, set[tuple[Any, ...]]] = {name: set() for name in shop.KEYS}
        self._some = {
            table: random.sample(list(rows), min(len(rows), FEW))
            for table, rows in self.model.items()
        }
        self._acts: list[Callable[[], Callable[[], None]]] = [
            self._hire, self._hire, self._pay, self._pay, self._swap, self._edit, self._rename,
            self._lose, self._fire,
        ]  # fmt: skip

    def write(self) -> Callable[[], object]:
        where = self.where()
        with self.at(where.alias).transaction():
            return self.act_at(where)

    def act_at(self, where: Location) -> Callable[[], None]:
        """Any of the acts, in the transaction that is open there; answers what keeps it."""
        self._now, self._schema = self.at(where.alias), shop.schema_at(where)
        return random.choice(self._acts)()

    def differences(self, where: Location) -> dict[str, list[str]]:
        """Rows that are at a place and not in the model (+), or the other way round (-)."""
        found = {}
        for table, texts in shop.rows(where, self.tenant_id).items():
            there = {json.dumps(json.loads(text), sort_keys=True) for text in texts}
            here = {json.dumps(row, sort_keys=True) for row in self.model[table].values()}
            differing = [f"+ {row}" for row in there - here] + [f"- {row}" for row in here - there]
            if differing or len(texts) != len(there):
                found[table] = differing
        return found

    def _keep(self, table: str, row: Row) -> None:
        key = tuple(row[column] for column in IDS[table])
        self.model[table][key] = row
        if hasattr(self, "_own"):
            self._own[table].add(key)

    def _run_sql(self, table: str, text: str, *params: Any) -> list[Row]:
        written = text.replace("{t}", f'{self._schema}."{table}" AS t').replace("{s}", self._schema)
        found = self._now.execute(f"{written} RETURNING to_jsonb(t)", [*params])
        return [row[0] for row in found.fetchall()]

    def _keeper(self, table: str, rows: list[Row]) -> Callable[[], None]:
        def keep() -> None:
            for row in rows:
                self._keep(table, row)

        return keep

    def _any(self, table: str) -> tuple[Any, ...]:
        rows = self.model[table]
        if len(rows) <= FEW:
            return random.choice(list(rows))
        key = random.choice(self._some[table])
        return key if key in rows else next(iter(rows))

    def _mine(self, table: str) -> list[tuple[Any, ...]]:
        """All rows, or of very many those that only this clerk can have made."""
        rows = self.model[table]
        return list(rows) if len(rows) <= FEW else [key for key in self._own[table] if key in rows]

    def _hire(self) -> Callable[[], None]:
        """A customer with an order and a document, each referring to the one before."""
        parent = self._any("customer")[0]
        customers = self._run_sql(
            "customer",
            "INSERT INTO {t} (tenant_id, email, parent) VALUES (%s, %s, %s)",
            *(self.tenant_id, f"{uuid.uuid4()}@example.com", parent),
        )
        orders = self._run_sql(
            "order",
            "INSERT INTO {t} (tenant_id, id, customer_id, total) VALUES (%s, %s, %s, 1)",
            *(self.tenant_id, uuid.uuid4(), customers[0]["id"]),
        )
        documents = self._run_sql(
            "document",
            "INSERT INTO {t} (tenant_id, name, at, order_id, body) VALUES (%s, %s, now(), %s, %s)",
            *(self.tenant_id, str(uuid.uuid4()), orders[0]["id"], b"\x00\xff"),
        )
        keepers = [
            self._keeper("customer", customers),
            self._keeper("order", orders),
            self._keeper("document", documents),
        ]
        return lambda: [keep() for keep in keepers] and None

    def _pay(self) -> Callable[[], None]:
        (key,) = self._any("customer")
        rows = self._run_sql(
            "customer",
            "UPDATE {t} SET balance = balance + 0.10, mood = 'glad'"
            " WHERE tenant_id = %s AND id = %s",
            *(self.tenant_id, key),
        )
        assert rows, f"customer {key} is lost"
        return self._keeper("customer", rows)

    def _swap(self) -> Callable[[], None]:
        """Two customers change addresses: each holds what the other has given up."""
        first, second = self._any("customer")[0], self._any("customer")[0]
        if first == second:
            return lambda: None
        emails = {key: self.model["customer"][key,]["email"] for key in (first, second)}
        update = "UPDATE {t} SET email = %s WHERE tenant_id = %s AND id = %s"
        self._run_sql("customer", update, str(uuid.uuid4()), self.tenant_id, first)
        rows = self._run_sql("customer", update, emails[first], self.tenant_id, second)
        rows += self._run_sql("customer", update, emails[second], self.tenant_id, first)
        return self._keeper("customer", rows)

    def _edit(self) -> Callable[[], None]:
        (key,) = self._any("order")
        rows = self._run_sql(
            "order",
            'UPDATE {t} SET total = total + 1, "odd %%name" = \'{"a": [1.0, null]}\''
            " WHERE tenant_id = %s AND id = %s",
            *(self.tenant_id, key),
        )
        assert rows, f"order {key} is lost"
        return self._keeper("order", rows)

    def _rename(self) -> Callable[[], None]:
        """The key itself changes."""
        name, at = old = self._any("document")
        rows = self._run_sql(
            "document",
            "UPDATE {t} SET name = %s, at = at + interval '1 microsecond'"
            " WHERE tenant_id = %s AND name = %s AND at = %s",
            *(f"{name[:20]}-{uuid.uuid4()}", self.tenant_id, name, at),
        )
        assert rows, f"document {old} is lost"

        def keep() -> None:
            del self.model["document"][old]
            self._keep("document", rows[0])

        return keep

    def _lose(self) -> Callable[[], None]:
        name, at = old = self._any("document")
        rows = self._run_sql(
            "document",
            "DELETE FROM {t} WHERE tenant_id = %s AND name = %s AND at = %s",
            *(self.tenant_id, name, at),
        )
        assert rows, f"document {old} is lost"
        return lambda: self.model["document"].pop(old) and None

    def _fire(self) -> Callable[[], None]:
        """A customer goes; its orders go with it, and who referred to either stands alone."""
        candidates = self._mine("customer")
        if len(self.model["customer"]) > FEW:
            old = set(self._some["customer"])
            candidates = [one for one in candidates if one not in old]
        if not candidates:
            return lambda: None
        (key,) = random.choice(candidates)
        rows = self._run_sql(
            "customer",
            "DELETE FROM {t} WHERE tenant_id = %s AND id = %s",
            *(self.tenant_id, key),
        )
        assert rows, f"customer {key} is lost"

        def forget() -> None:
            del self.model["customer"][key,]
            for one in self._mine("customer"):
                row = self.model["customer"][one]
                row["parent"] = None if row["parent"] == key else row["parent"]
            orders = self.model["order"]
            gone = {one for one in self._mine("order") if orders[one]["customer_id"] == key}
            for order in gone:
                del orders[order]
            for one in self._mine("document"):
                row = self.model["document"][one]
                if (row["order_id"],) in gone:
                    row["order_id"] = None

        return forget
