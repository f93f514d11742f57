"""A move that cannot be finished leaves the tenant where it was and says why in one sentence; one
that was only disturbed goes on (F71-F74).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from structlog.testing import capture_logs

from apps.isolation import models
from apps.isolation.moves import (
    capturing,
    fencing,
    flipping,
    links,
    preflight,
    preparing,
    purging,
    running,
    watching,
)
from apps.isolation.moves.journey import Journey
from apps.isolation.public import Level, run_move, why_failed
from apps.tenants import moving
from apps.webhooks.models import OutboxEvent
from tests.isolation import probe
from tests.isolation.moves import shop
from tests.isolation.moves.scene import Mover

Before = Callable[[str, Callable[[Journey], None]], None]


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Before:
    """Let something happen right before a step."""

    def arrange(step: str, act: Callable[[Journey], None]) -> None:
        work = running.STEPS[step]

        def both(journey: Journey) -> None:
            act(journey)
            work(journey)

        monkeypatch.setitem(running.STEPS, step, both)

    return arrange


@contextmanager
def failing(tenant: Mover, leftovers: Any) -> Iterator[list[models.Move]]:
    """The move in the block fails; nothing of it is left, no row differs, and a retry finishes."""
    was, rows = tenant.location, tenant.rows()
    locations = set(models.Location.objects.exclude(state="warm").values_list("pk", flat=True))
    moves: list[models.Move] = []
    yield moves
    (move,) = moves
    assert move.status == "failed"
    assert move.error.endswith(".")
    assert move.error.count(". ") == 0
    assert (tenant.location, tenant.rows()) == (was, rows)
    assert leftovers(move) == []
    now = set(models.Location.objects.exclude(state="warm").values_list("pk", flat=True))
    assert now == locations


class TestBeforeTheFlip:
    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE {t} SET total = total + 0.01 WHERE ctid = (SELECT min(ctid) FROM {t})",
            "DELETE FROM {t} WHERE ctid = (SELECT min(ctid) FROM {t})",
            "INSERT INTO {t} (id, tenant_id, customer_id, total) SELECT gen_random_uuid(),"
            " tenant_id, customer_id, 1 FROM {t} LIMIT 1",
            "UPDATE {t} SET \"odd %name\" = jsonb_set(\"odd %name\", '{{x}}', '1.0')"
            " WHERE ctid = (SELECT min(ctid) FROM {t})",
        ],
    )
    def test_a_row_that_differs_is_found(
        self, tenant: Mover, before: Before, leftovers: Any, damage: str
    ) -> None:
        def spoil(journey: Journey) -> None:
            table = f'{shop.schema_at(journey.arrival)}."order"'
            with probe.superuser() as cursor:
                cursor.execute("SET application_name = 'tenlyr move'")
                cursor.execute(damage.format(t=table))
                assert cursor.rowcount == 1
                cursor.connection.commit()

        before("verify", spoil)
        with failing(tenant, leftovers) as moves:
            moves.append(tenant.move(Level.DEDICATED_SCHEMA))
        assert "Table order differs" in moves[0].error

    def test_a_retry_finishes(self, tenant: Mover, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(journey: Journey) -> None:
            raise psycopg.errors.DiskFull("no space left on device")

        with monkeypatch.context() as patch:
            patch.setitem(running.STEPS, "copy", full)
            move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.error) == ("failed", "The target has no space left.")
        assert tenant.move(Level.DEDICATED_SCHEMA).status == "completed"

    def test_a_column_of_one_side_only(self, tenant: Mover, before: Before, leftovers: Any) -> None:
        def widen(journey: Journey) -> None:
            with probe.superuser() as cursor:
                schema = shop.schema_at(journey.arrival)
                cursor.execute(f"ALTER TABLE {schema}.document ADD COLUMN more text")
                cursor.connection.commit()

        before("copy", widen)
        with failing(tenant, leftovers) as moves:
            moves.append(tenant.move(Level.DEDICATED_SCHEMA))
        assert moves[0].error == (
            "Table document has other columns at the target than at the source."
        )

    def test_a_transaction_that_never_ends(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(capturing, "PATIENCE_S", 0.5)
        with failing(tenant, leftovers) as moves, writing(tenant):
            moves.append(tenant.move(Level.DEDICATED_SCHEMA))
        assert moves[0].error == "Table document stayed locked by a long transaction."

    def test_one_that_holds_the_fence(
        self, tenant: Mover, before: Before, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It keeps the triggers from being removed too: that is done once it has ended."""
        monkeypatch.setattr(fencing, "MOST_ATTEMPTS", 3)
        monkeypatch.setattr(capturing, "PATIENCE_S", 0.5)
        with failing(tenant, leftovers) as moves:
            with later(tenant) as write:
                before("flip", write)
                moves.append(tenant.move(Level.DEDICATED_SCHEMA))
                assert leftovers(moves[0]) != []
            assert purging.tidy_failed() == 1
        assert moves[0].error.startswith("The tenant's writes could not be held")

    def test_a_database_that_cannot_be_made(self, tenant: Mover, leftovers: Any) -> None:
        from apps.isolation.databases import providing
        from apps.isolation.databases.errors import DatabaseFailed

        def refuse(*args: Any) -> Any:
            raise DatabaseFailed("The server is full")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(providing, "provide", refuse)
            move = tenant.move(Level.DEDICATED_DATABASE, driver="database")
        assert move.status == "failed"
        assert move.error == "The database could not be provided."
        assert why_failed(move) == "The database could not be provided: The server is full"

    def test_how_much_room_there_is_only_operators_are_told(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(preflight, "SPACE_SPARE", 1 << 62)
        monkeypatch.setattr(settings, "HOME", tmp_path)
        with failing(tenant, leftovers) as moves:
            moves.append(tenant.move(Level.DEDICATED_SCHEMA))
        sentence = "The target's disk has too little room."
        assert moving.describe(moves[0])["error"] == sentence
        (event,) = OutboxEvent.objects.filter(
            tenant_id=tenant.id, type="isolation.migration_failed"
        )
        assert event.data["error"] == sentence
        told = moving.describe(moves[0], is_admin=True)["error"]
        assert re.fullmatch(rf"{sentence[:-1]}: \d+ MB are free, .* need \d+ MB\.", told)

    def test_an_error_that_nobody_foresaw_ends_it_after_some_runs(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stray(journey: Journey) -> None:
            raise RuntimeError("boom")

        monkeypatch.setattr(running, "MOST_STUMBLES", 3)
        monkeypatch.setitem(running.STEPS, "verify", stray)
        with failing(tenant, leftovers) as moves:
            moves.append(tenant.move(Level.DEDICATED_SCHEMA))
            for stumbles in (1, 2):
                assert (moves[0].status, moves[0].detail["stumbles"]) == ("in_progress", stumbles)
                moves[0] = run_move(moves[0].id)
        assert moves[0].error == running.UNFORESEEN
        assert moves[0].detail["isTidy"]

    def test_one_at_the_tidying_does_not_keep_the_move_from_its_end(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stray(*_: object) -> None:
            raise RuntimeError("boom")

        def full(journey: Journey) -> None:
            raise psycopg.errors.DiskFull("no space left on device")

        with failing(tenant, leftovers) as moves:
            with monkeypatch.context() as patch:
                patch.setitem(running.STEPS, "verify", full)
                patch.setattr(preparing, "clear_away", stray)
                moves.append(tenant.move(Level.DEDICATED_SCHEMA))
                assert not moves[0].detail["isTidy"]
                assert purging.tidy_failed() == 0
            assert purging.tidy_failed() == 1

    def test_values_of_rows_are_not_in_the_log(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def double(journey: Journey) -> None:
            raise psycopg.errors.UniqueViolation(
                "duplicate key value\nDETAIL:  Key (email)=(c1@example.com) already exists."
            )

        monkeypatch.setitem(running.STEPS, "verify", double)
        with failing(tenant, leftovers) as moves, capture_logs() as said:
            moves.append(tenant.move(Level.DEDICATED_SCHEMA))
        assert moves[0].error == "A row breaks a constraint of the target."
        (stumbled,) = (entry for entry in said if entry["event"] == "isolation.move_stumbled")
        assert "duplicate key" in stumbled["reason"]
        assert "c1@example.com" not in str(said)

    def test_an_end_that_cannot_be_told_is_tried_again(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with failing(tenant, leftovers) as moves:
            with monkeypatch.context() as patch:
                patch.setitem(running.STEPS, "verify", no_space)
                patch.setattr(flipping, "emit", stray)
                moves.append(tenant.move(Level.DEDICATED_SCHEMA))
                assert (moves[0].status, moves[0].detail["endings"]) == ("in_progress", 1)
            moves[0] = run_move(moves[0].id)
        assert moves[0].error == "The target has no space left."
        assert events_of(moves[0]) == ["isolation.migration_started", "isolation.migration_failed"]

    def test_but_not_for_ever(
        self, tenant: Mover, leftovers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "MOST_STUMBLES", 3)
        with failing(tenant, leftovers) as moves:
            with monkeypatch.context() as patch:
                patch.setitem(running.STEPS, "verify", no_space)
                patch.setattr(flipping, "emit", stray)
                moves.append(tenant.move(Level.DEDICATED_SCHEMA))
                for endings in (1, 2):
                    assert moves[0].detail["endings"] == endings
                    assert moves[0].status == "in_progress"
                    moves[0] = run_move(moves[0].id)
            assert moves[0].finished_at is not None
        assert moves[0].error == "The target has no space left."
        assert tenant.move(Level.DEDICATED_SCHEMA).status == "completed"


def no_space(journey: Journey) -> None:
    """What ends a move, in the place of a step."""
    raise psycopg.errors.DiskFull("no space left on device")


def stray(*_: object, **__: object) -> None:
    """An error that nobody foresaw."""
    raise RuntimeError("boom")


def events_of(move: models.Move) -> list[str]:
    """What was told of the tenant's moves."""
    rows = OutboxEvent.objects.filter(tenant_id=move.tenant_id, type__startswith="isolation.")
    return list(rows.order_by("seq").values_list("type", flat=True))


class TestDisturbed:
    def test_a_lost_connection_costs_a_run(self, tenant: Mover, before: Before) -> None:
        cut = []

        def once(journey: Journey) -> None:
            if not cut:
                cut.append(True)
                journey.links.target.close()

        before("copy", once)
        rows = tenant.rows()
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.step, move.detail["stumbles"]) == ("in_progress", "capture", 1)
        assert watching.is_abandoned(move.id)
        assert move.id in watching.abandoned()
        assert run_move(move.id).status == "completed"
        assert tenant.rows() == rows

    @pytest.mark.parametrize("step", running.STEPS)
    def test_a_step_that_was_done_and_not_noted_is_done_again(
        self, tenant: Mover, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """Its run died in the moment between."""
        rows, work = tenant.rows(), running.STEPS[step]

        def cut(journey: Journey) -> None:
            work(journey)
            raise psycopg.OperationalError("the line was cut")

        with monkeypatch.context() as patch:
            patch.setitem(running.STEPS, step, cut)
            move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.detail["stumbles"]) == ("in_progress", 1)
        assert run_move(move.id).status == "completed"
        assert tenant.rows() == rows

    def test_no_run_beside_another(self, tenant: Mover) -> None:
        move = tenant.start(Level.DEDICATED_SCHEMA)
        runner = links.Liveness(move.id)
        assert runner.take()
        assert not watching.is_abandoned(move.id)
        assert run_move(move.id).status == "pending"
        runner.leave()
        assert run_move(move.id).status == "completed"

    @pytest.mark.parametrize("step", ["copy", "catch_up", "verify", "flip"])
    def test_a_run_that_was_taken_over_changes_nothing(
        self, tenant: Mover, before: Before, step: str
    ) -> None:
        """Its lock's connection was lost without its knowing, and another run began."""
        seen = []

        def overtake(journey: Journey) -> None:
            if not seen:
                seen.append(journey.move.step)
                detail = {**journey.move.detail, "runner": journey.runner + 1}
                models.Move.objects.filter(pk=journey.move.pk).update(detail=detail)

        before(step, overtake)
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.step) == ("in_progress", seen[0])
        assert tenant.location.schema == "tenlyr_shared"
        assert run_move(move.id).status == "completed"

    def test_time_that_is_up_is_no_failure(self, tenant: Mover) -> None:
        move = tenant.start(Level.DEDICATED_SCHEMA)
        runs = 0
        # Too short for a whole move at first, long enough for a step on any machine at last.
        while run_move(move.id, budget_s=0.05 * 1.3**runs).status == "in_progress":
            runs += 1
            assert runs < 40
        move.refresh_from_db()
        assert (move.status, runs > 0) == ("completed", True)

    def test_a_tenant_deleted_meanwhile(self, tenant: Mover, before: Before) -> None:
        def delete(journey: Journey) -> None:
            models.Placement.objects.filter(pk=tenant.id).delete()

        before("flip", delete)
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.error) == (
            "failed",
            "The tenant was deleted during the migration.",
        )


@contextmanager
def writing(tenant: Mover) -> Iterator[None]:
    """A transaction that wrote a row and stays open."""
    with later(tenant) as write:
        write(None)
        yield


@contextmanager
def later(tenant: Mover) -> Iterator[Callable[[Any], None]]:
    """The same, from the moment that the given function is called; undone in the end."""
    schema = shop.schema_at(tenant.location)
    with links.fleet(tenant.location) as writer:
        writer.autocommit = False

        def write(_: Any) -> None:
            writer.execute(
                f"UPDATE {schema}.document SET weight = 7 WHERE tenant_id = %s", [tenant.id]
            )

        try:
            yield write
        finally:
            writer.rollback()
