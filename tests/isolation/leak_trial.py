"""Many threads, few server connections: every row that comes back is looked at (F23, Done 5).

A program of its own, so that its settings are those of a process behind a pooler:
`python -m tests.isolation.leak_trial MODE OPERATIONS TENANT=SCHEMA...` prints what it counted.
Mode `tenlyr` uses scopes; mode `stock` does the same with django-tenants' backend as it comes.
"""

import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

THREADS = 12


def set_up(mode: str) -> None:
    """Django, with the backend that the mode asks for."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tenlyr.settings"
    import django

    from tenlyr import settings

    if mode == "stock":
        settings.DATABASES["default"]["ENGINE"] = "django_tenants.postgresql_backend"
    django.setup()


@contextmanager
def stock_scope(tenant_id: UUID, schema: str) -> Iterator[Any]:
    """What django-tenants does: the session is set, and whoever meets it next has it too."""
    from django.db import connection

    connection.set_schema(schema)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tenlyr.tenant_id', %s, false)", [str(tenant_id)])
        yield cursor


class Trial:
    """The operations, and what was wrong with their answers."""

    def __init__(self, mode: str, tenants: dict[UUID, str]) -> None:
        self.mode, self.tenants = mode, tenants
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self, operations: int) -> Counter[str]:
        """Do so many operations in `THREADS` threads."""
        threads = [
            threading.Thread(target=self._work, args=(operations // THREADS + 1, seed))
            for seed in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.counts

    def _work(self, operations: int, seed: int) -> None:
        from django.db import DatabaseError, close_old_connections, connections

        chance = random.Random(seed)
        paths = self._paths()
        counts: Counter[str] = Counter()
        for number in range(operations):
            tenant_id = chance.choice(list(self.tenants))
            name = chance.choice(list(paths))
            try:
                paths[name](tenant_id, f"{seed}-{number}", counts)
            except DatabaseError as error:
                counts["errors"] += 1
                print(f"{name}: {error!r}", file=sys.stderr)  # noqa: T201 - for whoever looks why
            close_old_connections()  # as at the end of a request
            counts["operations"] += 1
            counts[name] += 1
        connections.close_all()
        with self._lock:
            self.counts.update(counts)

    def _paths(self) -> dict[str, Callable[[UUID, str, Counter[str]], None]]:
        if self.mode == "stock":
            return {"raw": self.stock_read, "raw write": self.stock_write}
        return {
            "orm": self.orm,
            "orm write": self.orm_write,
            "raw": self.raw,
            "raw write": self.raw_write,
            "task": self.task,
            "fleet": self.fleet,
            "rolled back": self.rolled_back,
            "control plane": self.control_plane,
            "outside": self.outside,
        }

    def check(self, tenant_id: UUID, rows: list[tuple[UUID, str]], counts: Counter[str]) -> None:
        """Count the rows of others, and answers without even one row of the tenant's own."""
        counts["rows"] += len(rows)
        counts["foreign"] += sum(
            owner != tenant_id or str(tenant_id) not in note for owner, note in rows
        )
        counts["missing"] += not rows

    def orm(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        from apps.isolation.public import scope
        from tests.isolation.probe import Probe

        with scope(tenant_id, read_only=True):
            rows = list(Probe.objects.order_by("-id").values_list("tenant_id", "note")[:20])
        self.check(tenant_id, rows, counts)

    def orm_write(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        from apps.isolation.public import scope
        from tests.isolation.probe import Probe

        with scope(tenant_id):
            row = Probe.objects.create(tenant_id=tenant_id, note=f"{mark} of {tenant_id}")
            Probe.objects.filter(pk=row.pk).update(note=f"{mark} again of {tenant_id}")
            rows = list(Probe.objects.filter(pk=row.pk).values_list("tenant_id", "note"))
        self.check(tenant_id, rows, counts)

    def raw(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        from apps.isolation.public import scope

        with scope(tenant_id) as here, here.cursor() as cursor:
            cursor.execute("SELECT tenant_id, note FROM isolation_probe LIMIT 20")
            rows = cursor.fetchall()
        self.check(tenant_id, rows, counts)

    def raw_write(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        from apps.isolation.public import scope

        with scope(tenant_id) as here, here.cursor() as cursor:
            cursor.execute(
                "INSERT INTO isolation_probe VALUES (%s, gen_random_uuid(), %s)"
                " RETURNING tenant_id, note",
                [tenant_id, f"{mark} of {tenant_id}"],
            )
            rows = cursor.fetchall()
        self.check(tenant_id, rows, counts)

    def task(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        """As in a worker: a task gets an id as text, by way of Celery."""
        from tests.isolation.leak_task import read

        rows = [(UUID(owner), note) for owner, note in read.apply(args=[str(tenant_id)]).get()]
        self.check(tenant_id, rows, counts)

    def fleet(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        """All tenants of a Location, each with its own notes, and none of another Location's."""
        from apps.isolation.public import fleet, group

        [location] = group([tenant_id])
        with fleet(location) as here, here.cursor() as cursor:
            cursor.execute("SELECT tenant_id, note FROM isolation_probe LIMIT 50")
            rows = cursor.fetchall()
        counts["rows"] += len(rows)
        counts["foreign"] += sum(
            self.tenants.get(owner) != location.schema or str(owner) not in note
            for owner, note in rows
        )
        counts["missing"] += not rows

    def rolled_back(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        from apps.isolation.public import scope
        from tests.core.transactions import failing
        from tests.isolation.probe import Probe

        with failing(scope(tenant_id)):
            Probe.objects.create(tenant_id=tenant_id, note="never there")

    def control_plane(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        from apps.isolation.models import Placement

        found = Placement.objects.select_related("location").get(pk=tenant_id)
        counts["foreign"] += found.location.schema_name != self.tenants[tenant_id]

    def outside(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        """No scope, no transaction, the table named in full: whoever was here before, no row."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f'SELECT 1 FROM "{self.tenants[tenant_id]}".isolation_probe LIMIT 20')
            counts["foreign"] += len(cursor.fetchall())

    def stock_read(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        with stock_scope(tenant_id, self.tenants[tenant_id]) as cursor:
            cursor.execute("SELECT tenant_id, note FROM isolation_probe LIMIT 20")
            self.check(tenant_id, cursor.fetchall(), counts)

    def stock_write(self, tenant_id: UUID, mark: str, counts: Counter[str]) -> None:
        with stock_scope(tenant_id, self.tenants[tenant_id]) as cursor:
            cursor.execute("UPDATE isolation_probe SET note = note RETURNING tenant_id, note", [])
            self.check(tenant_id, cursor.fetchall(), counts)


def main() -> None:
    mode, operations, *pairs = sys.argv[1:]
    set_up(mode)
    tenants = {UUID(tenant): schema for tenant, schema in (pair.split("=") for pair in pairs)}
    print(json.dumps(Trial(mode, tenants).run(int(operations))))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
