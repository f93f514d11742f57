"""What a move leaves behind is there for the grace, and then is not (R10)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from apps.audit.models import AuditEntry
from apps.isolation import models
from apps.isolation.moves import links, purging
from apps.isolation.public import DatabaseInUse, Level, Location
from tenlyr.core import clock
from tests.core.threads import together
from tests.isolation.moves import shop
from tests.isolation.moves.gate import Gate
from tests.isolation.moves.scene import Mover


def expire(move: models.Move) -> None:
    """Let the grace be over."""
    models.Move.objects.filter(pk=move.pk).update(purge_after=clock.now() - timedelta(seconds=1))


def count(tenant: Mover, location: Location) -> int:
    """Rows of the tenant at a place."""
    return sum(map(len, tenant.rows(location).values()))


class TestGrace:
    def test_seven_days_by_default(self, tenant: Mover) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert move.purge_after is not None
        assert move.finished_at is not None
        assert move.purge_after - move.finished_at == timedelta(days=7)

    def test_until_then_the_rows_stay(self, tenant: Mover) -> None:
        was = tenant.location
        move = tenant.move(Level.DEDICATED_SCHEMA)
        purging.purge_due()
        move.refresh_from_db()
        assert move.purged_at is None
        assert count(tenant, was) == count(tenant, tenant.location)


class TestPurge:
    def test_shared_rows_go_and_those_of_others_stay(self, tenant: Mover, stranger: Mover) -> None:
        was, others = tenant.location, stranger.rows()
        move = tenant.move(Level.DEDICATED_SCHEMA)
        expire(move)
        assert purging.purge_due() >= 1
        move.refresh_from_db()
        assert move.purged_at is not None
        assert count(tenant, was) == 0
        assert stranger.rows() == others

    def test_a_schema_goes_as_a_whole(self, tenant: Mover) -> None:
        tenant.move(Level.DEDICATED_SCHEMA)
        was = tenant.location
        move = tenant.move(Level.SHARED_SCHEMA, is_support=True)
        rows = tenant.rows()
        expire(move)
        purging.purge_due()
        assert not models.Location.objects.filter(pk=was.id).exists()
        assert tenant.rows() == rows

    def test_a_source_that_somebody_changed_is_kept(self, tenant: Mover) -> None:
        was = tenant.location
        move = tenant.move(Level.DEDICATED_SCHEMA)
        with links.fleet(was) as stray:
            stray.execute(
                f"UPDATE {shop.schema_at(was)}.customer SET balance = 7"
                " WHERE tenant_id = %s AND email = 'c1@example.com'",
                [tenant.id],
            )
        expire(move)
        purging.purge_due()
        move.refresh_from_db()
        assert move.purged_at is None
        assert count(tenant, was) > 0

    def test_retention_and_a_new_column_do_not_count_as_changes(self, tenant: Mover) -> None:
        was = tenant.location
        move = tenant.move(Level.DEDICATED_SCHEMA)
        schema = shop.schema_at(was)
        with links.fleet(was) as fleet, links.owner(was.alias) as owner:
            fleet.execute(
                f"DELETE FROM {was.schema}.usage_rollup WHERE tenant_id = %s", [tenant.id]
            )
            owner.execute(f"ALTER TABLE {schema}.document ADD COLUMN more text DEFAULT 'x'")
            try:
                expire(move)
                purging.purge_due()
            finally:
                owner.execute(f"ALTER TABLE {schema}.document DROP COLUMN more")
        move.refresh_from_db()
        assert move.purged_at is not None

    def test_a_place_that_the_tenant_came_back_to_is_not_purged(self, tenant: Mover) -> None:
        first = tenant.move(Level.DEDICATED_SCHEMA)
        tenant.back(first)
        rows = tenant.rows()
        expire(first)
        purging.purge_due()
        assert tenant.rows() == rows

    def test_a_schema_that_the_tenant_did_not_come_back_to_goes(self, tenant: Mover) -> None:
        """A rollback from a database goes to a fresh schema; the one before it is of no use."""
        tenant.move(Level.DEDICATED_SCHEMA)
        was = tenant.location
        first = tenant.move(Level.DEDICATED_DATABASE, driver="database")
        assert tenant.back(first).status == "completed"
        rows = tenant.rows()
        expire(first)
        purging.purge_due()
        assert not models.Location.objects.filter(pk=was.id).exists()
        assert tenant.rows() == rows

    def test_a_deleted_tenants_source_waits_for_no_grace(self, tenant: Mover) -> None:
        was = tenant.location
        move = tenant.move(Level.DEDICATED_SCHEMA)
        models.Placement.objects.filter(pk=tenant.id).delete()
        purging.purge_due()
        move.refresh_from_db()
        assert move.purged_at is not None
        assert count(tenant, was) == 0


class TestTurns:
    def test_of_runs_at_once_one_purges_and_says_so(self, tenant: Mover, gate: Gate) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        expire(move)
        with gate.holding(purging.purge_due):
            together([purging.purge_due] * 3)
            move.refresh_from_db()
            assert move.purged_at is None
        together([purging.purge_due] * 3)
        assert times_purged(move) == 1

    def test_one_that_is_purged_meanwhile_is_not_purged_again(
        self, tenant: Mover, gate: Gate
    ) -> None:
        """Its turn comes in a run that found it before another had it."""
        move = tenant.move(Level.DEDICATED_SCHEMA)
        expire(move)

        def again(tenant_id: UUID) -> None:
            assert purging.record(move, 0)

        gate.before = again
        purging.purge_due()
        assert times_purged(move) == 1

    @pytest.mark.parametrize(
        "error", [RuntimeError, ValueError, DatabaseInUse, psycopg.OperationalError]
    )
    def test_one_that_cannot_be_purged_holds_up_no_other(
        self, tenant: Mover, stranger: Mover, gate: Gate, error: type[Exception]
    ) -> None:
        first, second = (each.move(Level.DEDICATED_SCHEMA) for each in (tenant, stranger))
        expire(first)
        expire(second)
        gate.before = failing(tenant, error)
        with capture_logs() as said:
            purging.purge_due()
        assert (purged(first), purged(second)) == (False, True)
        assert str(first.id) in {entry.get("move") for entry in said}
        gate.before = lambda tenant_id: None
        purging.purge_due()
        assert purged(first)

    def test_one_that_fails_is_last_the_next_time(
        self, tenant: Mover, stranger: Mover, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However short the time is, and although its grace was over earlier."""
        first, second = (each.move(Level.DEDICATED_SCHEMA) for each in (tenant, stranger))
        purging.purge_due()
        expire(first)
        expire(second)
        gate.before = failing(tenant, RuntimeError)
        monkeypatch.setattr(purging, "BUDGET_S", -1)
        turns = purging._due().count()
        for _ in range(turns):
            purging.purge_due()
        assert (purged(first), purged(second)) == (False, True)


def failing(tenant: Mover, error: type[Exception]) -> Callable[[UUID], None]:
    """Nothing of this tenant can be removed."""

    def fail(tenant_id: UUID) -> None:
        if tenant_id == tenant.id:
            raise error("boom")

    return fail


def purged(move: models.Move) -> bool:
    """Whether it is on the move's record."""
    return models.Move.objects.filter(pk=move.pk, purged_at__isnull=False).exists()


def times_purged(move: models.Move) -> int:
    """How often it is on the trail."""
    entries = AuditEntry.objects.filter(tenant_id=move.tenant_id)
    return sum(entry.body["action"] == "isolation.source_purged" for entry in entries)
