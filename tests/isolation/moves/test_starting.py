"""Beginning a move: who may, only once at a time, and what is told of it (A22, E4, F70, X62)."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from apps.isolation.models import Move
from apps.isolation.public import (
    Level,
    MoveInProgress,
    MoveNotFound,
    NotAnUpgrade,
    NotUndoable,
    UnknownTenant,
    get_move,
    is_moving,
    moves_of,
    rollback_move,
    start_move,
)
from tenlyr.core import events
from tenlyr.core.events import Event
from tests.core.threads import together
from tests.isolation.moves.scene import Mover


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every event that is emitted."""
    heard: list[Event] = []
    monkeypatch.setattr(events, "_subscribers", [*events._subscribers, heard.append])
    return heard


class TestStart:
    def test_the_row_says_from_where_to_where(self, tenant: Mover) -> None:
        move = tenant.start(Level.DEDICATED_SCHEMA)
        assert (move.from_level, move.to_level) == ("shared_schema", "dedicated_schema")
        assert (move.status, move.step, move.source_id) == ("pending", "", tenant.location.id)
        assert is_moving(tenant.id)

    @pytest.mark.parametrize("is_support", [False, True])
    def test_the_same_level_is_no_move(self, tenant: Mover, is_support: bool) -> None:
        with pytest.raises(NotAnUpgrade):
            tenant.start(Level.SHARED_SCHEMA, is_support=is_support)

    def test_downward_is_for_support(self, tenant: Mover) -> None:
        tenant.move(Level.DEDICATED_SCHEMA)
        with pytest.raises(NotAnUpgrade):
            tenant.start(Level.SHARED_SCHEMA)

    def test_of_many_at_once_one_begins(self, tenant: Mover) -> None:
        def start() -> bool:
            try:
                tenant.start(Level.DEDICATED_SCHEMA)
            except MoveInProgress:
                return False
            return True

        assert sum(together([start] * 10)) == 1
        assert moves_of(tenant.workspace_id, tenant.id).count() == 1

    def test_a_tenant_that_is_nowhere(self, tenant: Mover) -> None:
        with pytest.raises(UnknownTenant), transaction.atomic():
            start_move(
                workspace_id=tenant.workspace_id,
                tenant_id=uuid4(),
                target=Level.DEDICATED_SCHEMA,
            )


class TestTold:
    def test_each_event_comes_once(self, tenant: Mover, told: list[Event]) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert [event.type for event in told] == [
            "isolation.migration_started",
            "isolation.migration_completed",
        ]
        assert told[1].data == {
            "migrationId": str(move.id),
            "tenantId": str(tenant.id),
            "fromLevel": "shared_schema",
            "toLevel": "dedicated_schema",
        }

    def test_a_second_run_tells_nothing(self, tenant: Mover, told: list[Event]) -> None:
        from apps.isolation.public import run_move

        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert run_move(move.id).finished_at == move.finished_at
        assert len(told) == 2

    def test_a_failure_says_why(
        self, tenant: Mover, told: list[Event], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from apps.isolation.moves import running
        from apps.isolation.moves.errors import MoveFailed

        def fail(journey: Any) -> None:
            raise MoveFailed("The moon is full.")

        monkeypatch.setitem(running.STEPS, "verify", fail)
        assert tenant.move(Level.DEDICATED_SCHEMA).error == "The moon is full."
        of_moves = [event for event in told if event.type.startswith("isolation.")]
        assert of_moves[-1].type == "isolation.migration_failed"
        assert of_moves[-1].data["error"] == "The moon is full."
        assert len(of_moves) == 2


class TestReads:
    def test_a_move_belongs_to_its_workspace(self, tenant: Mover) -> None:
        move = tenant.start(Level.DEDICATED_SCHEMA)
        assert get_move(tenant.workspace_id, move.id) == move
        with pytest.raises(MoveNotFound):
            get_move(uuid4(), move.id)
        assert list(moves_of(tenant.workspace_id)) == [move]
        assert list(moves_of(uuid4())) == []


class TestRollback:
    def test_only_of_what_is_completed(self, tenant: Mover) -> None:
        move = tenant.start(Level.DEDICATED_SCHEMA)
        with pytest.raises(NotUndoable), transaction.atomic():
            rollback_move(workspace_id=tenant.workspace_id, move_id=move.id)

    def test_only_of_the_newest(self, tenant: Mover) -> None:
        first = tenant.move(Level.DEDICATED_SCHEMA)
        tenant.move(Level.SHARED_SCHEMA, is_support=True)
        with pytest.raises(NotUndoable), transaction.atomic():
            rollback_move(workspace_id=tenant.workspace_id, move_id=first.id)

    def test_not_after_the_purge(self, tenant: Mover) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        Move.objects.filter(pk=move.pk).update(purged_at=move.finished_at)
        with pytest.raises(NotUndoable), transaction.atomic():
            rollback_move(workspace_id=tenant.workspace_id, move_id=move.id)
