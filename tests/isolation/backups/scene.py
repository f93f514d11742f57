"""A tenant whose rows are backed up, and looking at them."""

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg
from django.core.management import call_command

from apps.isolation import models, placements
from apps.isolation.moves import links
from apps.isolation.public import Location
from tests.cast import Customer
from tests.dataplane import plane
from tests.dataplane.plane import Session
from tests.isolation.moves import usage

READS = {name: f"SELECT t::text FROM {name} t ORDER BY 1" for name in
         ("customers", "orders", "notes")}  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """A tenant and its login."""

    customer: Customer
    session: Session

    @classmethod
    def open(cls, customer: Customer, events: int = 500) -> Self:
        """With rows everywhere."""
        made = cls(customer, Session(customer, os.environ["DATABASE_URL"]))
        plane.furnish(made.session, "shop")
        usage.seed(made.location, customer.id, events)
        return made

    @property
    def location(self) -> Location:
        """Where it lives, as the table says."""
        row = models.Placement.objects.select_related("location").get(pk=self.customer.id)
        return placements.location_of(row.location)

    def rows(self) -> dict[str, list[Any]]:
        """The operator's rows, in order."""
        with self.connect() as connection:
            return {name: connection.execute(read).fetchall() for name, read in READS.items()}

    def connect(self) -> "psycopg.Connection[Any]":
        """The tenant's login where the tenant lives now."""
        from apps.dataplane import connecting

        found = connecting.of(self.customer.workspace.id, self.customer.id)
        url = f"postgresql://{found.host}:{found.port}/{found.database}"
        return psycopg.connect(
            plane.login_url(url, self.session.role, self.session.made.password), autocommit=True
        )

    def usage(self) -> dict[str, list[Any]]:
        """The usage at the tenant's place."""
        return usage.rows(self.location, self.customer.id)

    def backup(self, path: Path, *more: str) -> str:
        """What `backup_tenant` says."""
        return said("backup_tenant", self.customer.id, "--to", path, *more)

    def restore(self, path: Path, *more: str) -> str:
        """What `restore_tenant` says."""
        return said("restore_tenant", path, *more)


def said(*arguments: Any) -> str:
    """What a command wrote."""
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def leftovers(shop: Shop) -> list[str]:
    """What the tenant's moves left lying about in its database."""
    moves = models.Move.objects.filter(tenant_id=shop.customer.id)
    with links.owner(shop.location.alias) as owner:
        rows = owner.execute(
            "SELECT relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = 'tenlyr_moves' AND relname ~ %s",
            [f"_({'|'.join(move.id.hex for move in moves)})(_|$)"],
        )
        return [name for (name,) in rows]


def die(path: Path, *how: Any) -> None:
    """A backup or a restore in a process of its own, which is killed: see `dying`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.isolation.backups.dying", str(path), *map(str, how)],
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
