"""A tenant with rows in all parts, and looking at what a move did with them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.isolation import models, parts, placements
from apps.isolation.moves import links
from apps.isolation.public import Level, Location, rollback_move, run_move, start_move
from tests.isolation.moves import shop, usage

# Events and customers of a tenant whose move takes half a second.
SMALL = (300, 60)


@dataclass(frozen=True)
class Mover:
    """A tenant that can move."""

    id: UUID
    workspace_id: UUID

    @property
    def location(self) -> Location:
        """Where it is now, as the table says."""
        row = models.Placement.objects.select_related("location").get(pk=self.id)
        return placements.location_of(row.location)

    def rows(self, location: Location | None = None) -> dict[str, list[Any]]:
        """All its rows at a place."""
        where = location or self.location
        return {**usage.rows(where, self.id), **shop.rows(where, self.id)}

    def start(self, target: Level, **more: Any) -> models.Move:
        """Begin a move, committed."""
        with transaction.atomic():
            return start_move(
                workspace_id=self.workspace_id, tenant_id=self.id, target=target, **more
            )

    def move(self, target: Level, **more: Any) -> models.Move:
        """Begin a move and run it here."""
        return run_move(self.start(target, **more).id)

    def back(self, move: models.Move) -> models.Move:
        """Roll a move back, here."""
        with transaction.atomic():
            begun = rollback_move(workspace_id=self.workspace_id, move_id=move.id)
        return run_move(begun.id)


def only_ours() -> None:
    """Let the tests' parts be all that moves."""
    parts._parts.clear()
    parts.register(usage.UsagePart())
    parts.register(shop.ShopPart())


def settle(customer: Any, events: int = 3_000, customers: int = 400) -> Mover:
    """Give the tenant rows where it lives."""
    mover = Mover(customer.id, customer.workspace.id)
    shop.build(mover.location)
    shop.mark(mover.location, mover.id, is_here=True)
    usage.seed(mover.location, mover.id, events)
    stock(mover.location, mover.id, customers)
    return mover


def stock(location: Location, tenant_id: UUID, customers: int) -> None:
    """Customers, two orders each, and documents."""
    schema = shop.schema_at(location)
    with links.fleet(location) as fleet:
        fleet.execute("SET search_path = pg_catalog")
        fleet.execute(
            f"INSERT INTO {schema}.customer (tenant_id, email, mood, moods, balance)"
            " SELECT %s, 'c' || i || '@example.com',"
            f" (enum_range(NULL::{schema}.mood))[1 + i %% 3],"
            f" ARRAY['sad', 'glad']::{schema}.mood[], i * 1.10 FROM generate_series(1, %s) AS i",
            [tenant_id, customers],
        )
        fleet.execute(
            f'INSERT INTO {schema}."order" (tenant_id, id, customer_id, total, "odd %%name", note)'
            " SELECT tenant_id, gen_random_uuid(), id, id * 1.5, jsonb_build_object('n', n, 'x',"
            f" 1.00), 'it''s %% fine' FROM {schema}.customer, generate_series(1, 2) AS n"
            " WHERE tenant_id = %s",
            [tenant_id],
        )
        fleet.execute(
            f"INSERT INTO {schema}.document SELECT tenant_id, 'doc' || customer_id,"
            " now() + customer_id * interval '1 microsecond', id, decode(md5(id::text), 'hex'),"
            f" 0.1 * customer_id, ARRAY['a', NULL] FROM {schema}.\"order\""
            " WHERE tenant_id = %s AND note IS NOT NULL AND (\"odd %%name\" ->> 'n') = '1'",
            [tenant_id],
        )
