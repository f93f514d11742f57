"""No place becomes a tenant's home or its target while somebody removes rows from it."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction

from apps.isolation import models, placements
from apps.isolation.moves import claiming, links, purging, running, watching
from apps.isolation.moves.errors import PlacesBusy
from apps.isolation.moves.journey import Journey
from apps.isolation.public import (
    Level,
    MoveInProgress,
    NotUndoable,
    clear_moves,
    rollback_move,
    run_move,
)
from tests.core.threads import together, until
from tests.isolation import probe
from tests.isolation.moves.gate import Gate
from tests.isolation.moves.scene import Mover
from tests.isolation.moves.test_purging import count, expire

HOLDER = """
import sys, time, uuid
import django
django.setup()
from apps.isolation.moves import claiming
with claiming.alone(uuid.UUID(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
END = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = %s
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is refused in the end is refused soon."""
    monkeypatch.setattr(claiming, "PATIENCE_S", 0.1)
    monkeypatch.setattr(claiming, "HANDOVER_S", 0.1)


def full(journey: Journey) -> None:
    """What ends a move, in the place of a step."""
    raise psycopg.errors.DiskFull("no space left on device")


class TestAPurge:
    def test_no_rollback_and_no_move_begins_beside_it(self, tenant: Mover, gate: Gate) -> None:
        was = tenant.location
        first = tenant.move(Level.DEDICATED_SCHEMA)
        rows = tenant.rows()
        expire(first)
        with gate.holding(purging.purge_due):
            with pytest.raises(PlacesBusy):
                tenant.back(first)
            with pytest.raises(MoveInProgress):
                tenant.start(Level.SHARED_SCHEMA, is_support=True)
        assert (count(tenant, was), tenant.rows()) == (0, rows)
        with pytest.raises(NotUndoable):
            tenant.back(first)
        assert tenant.move(Level.SHARED_SCHEMA, is_support=True).status == "completed"
        assert tenant.rows() == rows

    def test_none_begins_beside_a_rollback_that_nobody_sees_yet(self, tenant: Mover) -> None:
        was = tenant.location
        first = tenant.move(Level.DEDICATED_SCHEMA)
        rows = tenant.rows()
        expire(first)
        with transaction.atomic():
            back = rollback_move(workspace_id=tenant.workspace_id, move_id=first.id)
            together([purging.purge_due])
            assert count(tenant, was) > 0
        assert run_move(back.id).status == "completed"
        assert (tenant.location, tenant.rows()) == (was, rows)

    def test_one_that_lost_its_lock_goes_no_further(self, tenant: Mover, gate: Gate) -> None:
        was = tenant.location
        first = tenant.move(Level.DEDICATED_SCHEMA)
        expire(first)
        with gate.holding(purging.purge_due), probe.superuser() as cursor:
            cursor.execute(END, [claiming.key_of(tenant.id)])
            assert cursor.fetchall() == [(True,)]
            assert not watching.is_held(claiming.key_of(tenant.id))
        first.refresh_from_db()
        assert first.purged_at is None
        assert count(tenant, was) > 0

    def test_that_of_a_deleted_tenant_waits_for_another(self, tenant: Mover) -> None:
        was = tenant.location
        tenant.move(Level.DEDICATED_SCHEMA)
        with claiming.alone(tenant.id):
            assert clear_moves(tenant.id) is None
        assert count(tenant, was) > 0
        assert clear_moves(tenant.id)
        assert count(tenant, was) == 0


class TestAFailedMove:
    @pytest.fixture
    def untidy(self, tenant: Mover, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Any:
        """A move to the shared schema that failed, and whose copied rows are there still."""

        def late(journey: Journey) -> None:
            gate.before = stray
            full(journey)

        def stray(tenant_id: UUID) -> None:
            raise RuntimeError("boom")

        expire(tenant.move(Level.DEDICATED_SCHEMA))
        assert purging.purge_due() >= 1
        with monkeypatch.context() as patch:
            patch.setitem(running.STEPS, "verify", late)
            move = tenant.move(Level.SHARED_SCHEMA, is_support=True)
        gate.before = lambda tenant_id: None
        assert (move.status, move.detail.get("isTidy")) == ("failed", False)
        return move

    def test_no_move_begins_while_it_is_tidied(
        self, tenant: Mover, gate: Gate, untidy: Any
    ) -> None:
        rows = tenant.rows()
        with gate.holding(purging.tidy_failed) as tidied, pytest.raises(PlacesBusy):
            tenant.start(Level.SHARED_SCHEMA, is_support=True)
        assert tidied.result() == 1
        assert tenant.move(Level.SHARED_SCHEMA, is_support=True).status == "completed"
        assert tenant.rows() == rows

    def test_its_rows_go_though_the_tenant_went_elsewhere_since(
        self, tenant: Mover, untidy: Any
    ) -> None:
        shared = placements.shared()
        rows = tenant.rows()
        begun = tenant.start(Level.DEDICATED_DATABASE, driver="database")
        assert purging.tidy_failed() == 0
        assert run_move(begun.id).status == "completed"
        assert count(tenant, shared) > 0
        assert purging.tidy_failed() == 1
        assert (count(tenant, shared), tenant.rows()) == (0, rows)

    def test_its_rows_are_not_taken_for_those_of_a_later_move(
        self, tenant: Mover, untidy: Any
    ) -> None:
        shared = placements.shared()
        rows = tenant.rows()
        assert tenant.move(Level.SHARED_SCHEMA, is_support=True).status == "completed"
        # As if nobody had tidied between the two, whatever became of the tenant then.
        assert purging.tidy_failed() == 1
        assert (tenant.location, tenant.rows()) == (shared, rows)
        tenant.move(Level.DEDICATED_SCHEMA)
        untidy.refresh_from_db()
        models.Move.objects.filter(pk=untidy.pk).update(detail={**untidy.detail, "isTidy": False})
        assert purging.tidy_failed() == 1
        assert tenant.rows(shared) == rows

    def test_it_ends_once_nobody_tidies_beside_it(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = tenant.start(Level.DEDICATED_SCHEMA)
        with monkeypatch.context() as patch, claiming.alone(tenant.id):
            patch.setitem(running.STEPS, "verify", full)
            move = run_move(begun.id)
            assert (move.status, move.error) == ("in_progress", "")
            assert leftovers(move) != []
        move = run_move(begun.id)
        assert (move.status, move.error) == ("failed", "The target has no space left.")
        assert leftovers(move) == []

    def test_a_run_that_was_taken_over_does_not_end_it(
        self, tenant: Mover, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even when it meets an error that would have."""
        begun = tenant.start(Level.DEDICATED_SCHEMA)

        def overtaken(journey: Journey) -> None:
            detail = {**journey.move.detail, "runner": journey.runner + 1}
            type(begun).objects.filter(pk=begun.pk).update(detail=detail)
            full(journey)

        with monkeypatch.context() as patch:
            patch.setitem(running.STEPS, "verify", overtaken)
            move = run_move(begun.id)
        assert (move.status, "failing" in move.detail) == ("in_progress", False)
        assert run_move(begun.id).status == "completed"

    def test_a_copy_waits_for_the_last_deletion_of_a_run_before_it(
        self, tenant: Mover, gate: Gate
    ) -> None:
        """That one lost its lock while it emptied the target, and does not know it."""
        tenant.move(Level.DEDICATED_SCHEMA)
        rows = tenant.rows()
        begun = tenant.start(Level.SHARED_SCHEMA, is_support=True)
        with gate.holding(lambda: run_move(begun.id)) as first, probe.superuser() as cursor:
            cursor.execute(END, [links.key_of(begun.id)])
            assert cursor.fetchall() == [(True,)]
            second = run_move(begun.id)
            assert (second.status, second.step) == ("in_progress", "capture")
        assert first.result().status == "in_progress"
        assert run_move(begun.id).status == "completed"
        assert tenant.rows() == rows


class TestTheLock:
    def test_it_ends_with_the_process_that_has_it(self, tenant: Mover) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tenant.id)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[3],
        ) as holder:
            assert holder.stdout is not None
            for line in holder.stdout:
                if line == "held\n":
                    break
            assert watching.is_held(claiming.key_of(tenant.id))
            with pytest.raises(PlacesBusy):
                tenant.start(Level.DEDICATED_SCHEMA)
            holder.send_signal(signal.SIGKILL)
        until(lambda: not watching.is_held(claiming.key_of(tenant.id)))
        assert tenant.move(Level.DEDICATED_SCHEMA).status == "completed"

    def test_one_of_many_has_it(self, tenant: Mover) -> None:
        def take() -> bool:
            try:
                with claiming.alone(tenant.id):
                    until(lambda: len(tried) == 5)
                    return True
            except claiming.Taken:
                return False
            finally:
                tried.append(True)

        tried: list[bool] = []
        assert sum(together([take] * 6)) == 1

    def test_another_tenant_is_not_held_up(self, tenant: Mover, stranger: Mover) -> None:
        with claiming.alone(tenant.id):
            assert stranger.move(Level.DEDICATED_SCHEMA).status == "completed"

    def test_a_move_begins_in_a_transaction_only(self, tenant: Mover) -> None:
        assert not connection.in_atomic_block
        with pytest.raises(transaction.TransactionManagementError):
            claiming.begin(tenant.id)
