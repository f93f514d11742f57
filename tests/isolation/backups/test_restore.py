"""Restores: the operator's rows as they were, everything else as it is, and nothing by halves."""

import random
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError

from apps.isolation import models
from apps.isolation.moves import links
from tests import cast
from tests.core.threads import until
from tests.isolation.backups.scene import Shop, die, leftovers, said


def spoil(shop: Shop) -> None:
    """What somebody did that should not have."""
    with shop.connect() as connection:
        connection.execute("DELETE FROM orders; UPDATE customers SET email = 'x' || email")
        connection.execute("INSERT INTO notes (text) VALUES ('written later')")


class TestRoundTrip:
    @pytest.mark.parametrize("more", [(), ("--encrypt",)])
    def test_rows_are_as_they_were(self, shop: Shop, tmp_path: Path, more: Any) -> None:
        before, place = shop.rows(), shop.location
        shop.backup(tmp_path / "one", *more)
        spoil(shop)
        assert shop.rows() != before
        assert "has its rows as of" in shop.restore(tmp_path / "one")
        assert shop.rows() == before
        assert shop.location.schema != place.schema
        assert leftovers(shop) == []

    def test_usage_is_what_it_is_now(self, shop: Shop, tmp_path: Path) -> None:
        from tests.isolation.moves import usage

        shop.backup(tmp_path / "one")
        with links.fleet(shop.location) as fleet:
            fleet.execute(f"DELETE FROM {shop.location.schema}.usage_rollup")
        usage.seed(shop.location, shop.customer.id, 700)
        now = shop.usage()
        shop.restore(tmp_path / "one")
        assert shop.usage() == now

    def test_numbers_are_not_given_twice(self, shop: Shop, tmp_path: Path) -> None:
        shop.backup(tmp_path / "one")
        with shop.connect() as connection:
            later = connection.execute("INSERT INTO notes (text) VALUES ('a') RETURNING id")
            (number,) = later.fetchone() or (0,)
        shop.restore(tmp_path / "one")
        with shop.connect() as connection:
            again = connection.execute("INSERT INTO notes (text) VALUES ('b') RETURNING id")
            assert (again.fetchone() or (0,))[0] > number

    def test_an_old_session_is_told_to_retry(self, shop: Shop, tmp_path: Path) -> None:
        shop.backup(tmp_path / "one")
        old = f"d_{shop.location.schema[2:]}"
        with shop.connect() as connection:
            connection.execute("SELECT 1")
            shop.restore(tmp_path / "one")
            with pytest.raises((psycopg.OperationalError, psycopg.errors.SerializationFailure)):
                connection.execute(f"INSERT INTO {old}.notes (text) VALUES ('lost')")
        with shop.connect() as connection:
            connection.execute("INSERT INTO notes (text) VALUES ('kept')")
        assert len(shop.rows()["notes"]) == 2

    def test_the_old_place_is_kept_and_then_purged(self, shop: Shop, tmp_path: Path) -> None:
        from apps.isolation.moves import purging
        from tenlyr.core import clock

        shop.backup(tmp_path / "one")
        old = shop.location.schema
        shop.restore(tmp_path / "one")
        move = models.Move.objects.filter(tenant_id=shop.customer.id).latest("id")
        assert (move.status, move.from_level) == ("completed", move.to_level)
        before = models.Location.objects.filter(moves_away=move)
        assert [one.schema_name for one in before] == [old]
        models.Move.objects.filter(pk=move.pk).update(purge_after=clock.now())
        assert purging.purge_due() >= 1, "others may be due as well"
        assert not models.Location.objects.filter(schema_name=old).exists()
        assert len(shop.rows()["notes"]) == 1

    def test_it_is_on_the_trail_and_no_way_back(self, shop: Shop, tmp_path: Path) -> None:
        from apps.audit.models import AuditEntry
        from apps.isolation.public import NotUndoable, rollback_move

        shop.backup(tmp_path / "one")
        shop.restore(tmp_path / "one")
        entries = AuditEntry.objects.filter(tenant_id=shop.customer.id)
        assert "isolation.restore_started" in {one.body["action"] for one in entries}
        move = models.Move.objects.filter(tenant_id=shop.customer.id).latest("id")
        with pytest.raises(NotUndoable):
            rollback_move(workspace_id=move.workspace_id, move_id=move.id)


class TestInADatabaseOfItsOwn:
    def test_rows_are_as_they_were(self, account: Any, tmp_path: Path) -> None:
        shop = Shop.open(cast.tenant(account, plan="enterprise"))
        said("move_tenant", shop.customer.id, "dedicated_database", "--driver", "database")
        before, place = shop.rows(), shop.location
        shop.backup(tmp_path / "one")
        spoil(shop)
        shop.restore(tmp_path / "one")
        assert shop.rows() == before
        assert shop.location.alias not in {place.alias, "default"}
        assert leftovers(shop) == []


class TestWhileWritten:
    def test_writes_are_retried_and_those_after_the_flip_stay(
        self, shop: Shop, tmp_path: Path
    ) -> None:
        shop.backup(tmp_path / "one")
        before = shop.rows()
        with Notes(shop) as notes:
            notes.wait_for_some()
            shop.restore(tmp_path / "one")
            notes.wait_for_some()
        move = models.Move.objects.filter(tenant_id=shop.customer.id).latest("id")
        assert move.flipped_at is not None
        assert notes.refusals <= {"40001", "57P01", None}
        found = {
            text for (text,) in shop.session.run("SELECT text FROM notes WHERE text LIKE 'w%'")
        }
        assert found <= set(notes.kept)
        # A commit just before the flip is lost with the old place, one after it never.
        late = {text for text, at in notes.kept.items() if at > move.flipped_at.timestamp() + 1}
        assert late
        assert late <= found
        assert shop.rows()["customers"] == before["customers"]


class Notes:
    """Writes notes until it is stopped; `kept` is when each that was committed was begun."""

    def __init__(self, shop: Shop) -> None:
        self.kept: dict[str, float] = {}
        self.refusals: set[str | None] = set()
        self._shop, self._stop = shop, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Notes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def wait_for_some(self) -> None:
        """Until it has written for longer than a second."""
        wanted = time.time() + 1.5
        until(lambda: max([*self.kept.values()], default=0) > wanted)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number, began = number + 1, time.time()
            try:
                self._shop.session.run(f"INSERT INTO notes (text) VALUES ('w{number}')")
                self.kept[f"w{number}"] = began
            except psycopg.Error as error:
                self.refusals.add(error.sqlstate)
            time.sleep(0.01)


class TestRefused:
    def test_a_damaged_file_changes_nothing(self, shop: Shop, tmp_path: Path) -> None:
        path = tmp_path / "one"
        shop.backup(path)
        damaged = bytearray(path.read_bytes())
        damaged[random.randrange(len(damaged))] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CommandError, match="damaged"):
            shop.restore(path)
        assert not models.Move.objects.filter(tenant_id=shop.customer.id).exists()

    def test_another_tenants_file(self, shop: Shop, tmp_path: Path) -> None:
        shop.backup(tmp_path / "one")
        with pytest.raises(CommandError, match="of another tenant"):
            shop.restore(tmp_path / "one", "--tenant", str(uuid4()))

    def test_a_newer_release(self, shop: Shop, tmp_path: Path, monkeypatch: Any) -> None:
        from apps.dataplane import backing_up

        shop.backup(tmp_path / "one")
        monkeypatch.setattr(backing_up, "versions", lambda tenant_id: {"release": "2"})
        with pytest.raises(CommandError, match="with release 1, the tenant has release 2 now"):
            shop.restore(tmp_path / "one")

    def test_a_deleted_tenant(self, shop: Shop, tmp_path: Path, api: Any) -> None:
        shop.backup(tmp_path / "one")
        path = f"/api/v1/tenants/{shop.customer.id}"
        assert api.delete(path, key=shop.customer.workspace.key).status == 204
        with pytest.raises(CommandError, match=r"no such tenant|terminated"):
            shop.restore(tmp_path / "one")

    def test_a_tenant_that_is_deleted_meanwhile(
        self, shop: Shop, tmp_path: Path, api: Any, monkeypatch: Any
    ) -> None:
        from apps.isolation.backups import loading

        def delete(*_: Any) -> None:
            path = f"/api/v1/tenants/{shop.customer.id}"
            assert api.delete(path, key=shop.customer.workspace.key).status == 204

        shop.backup(tmp_path / "one")
        monkeypatch.setattr(loading, "load", delete)
        with pytest.raises(CommandError):
            shop.restore(tmp_path / "one")
        move = models.Move.objects.filter(tenant_id=shop.customer.id).latest("id")
        assert (move.status, move.flipped_at) == ("failed", None)
        assert not models.Location.objects.filter(pk__in=[move.target_id or 0]).exists()

    def test_a_full_disk_leaves_the_tenant_as_it_was(
        self, shop: Shop, tmp_path: Path, monkeypatch: Any
    ) -> None:
        from apps.isolation.backups import loading

        def full(*_: Any) -> None:
            raise psycopg.errors.DiskFull("could not extend file")

        shop.backup(tmp_path / "one")
        spoil(shop)
        before, place = shop.rows(), shop.location
        with monkeypatch.context() as patched:
            patched.setattr(loading, "_load", full)
            with pytest.raises(CommandError, match="no space left"):
                shop.restore(tmp_path / "one")
        assert (shop.rows(), shop.location, leftovers(shop)) == (before, place, [])
        shop.restore(tmp_path / "one")
        assert shop.location != place


class TestKilled:
    @pytest.mark.parametrize("step", ["place", "prepare", "capture", "load", "verify", "flip"])
    def test_the_tenant_is_as_it_was_and_another_try_works(
        self, shop: Shop, tmp_path: Path, step: str
    ) -> None:
        original = shop.rows()
        shop.backup(tmp_path / "one")
        spoil(shop)
        before, place = shop.rows(), shop.location
        die(tmp_path / "one", step)
        assert (shop.rows(), shop.location) == (before, place)
        with shop.connect() as connection:
            connection.execute("INSERT INTO notes (text) VALUES ('it works on')")
        shop.restore(tmp_path / "one")
        assert shop.rows() == original
        assert leftovers(shop) == []
        moves = models.Move.objects.filter(tenant_id=shop.customer.id).order_by("id")
        assert [move.status for move in moves] == ["failed", "completed"]

    def test_after_the_flip_a_worker_goes_on_without_the_file(
        self, shop: Shop, tmp_path: Path
    ) -> None:
        from apps.isolation.public import run_move

        original = shop.rows()
        shop.backup(tmp_path / "one")
        spoil(shop)
        die(tmp_path / "one", "leave")
        (tmp_path / "one").unlink()
        move = models.Move.objects.filter(tenant_id=shop.customer.id).latest("id")
        wait_for_the_dead(move)
        assert run_move(move.id).status == "completed"
        assert shop.rows() == original
        assert leftovers(shop) == []


def wait_for_the_dead(move: models.Move) -> None:
    """Until the server noticed that the process is gone."""
    from apps.isolation.moves import watching

    until(lambda: watching.is_abandoned(move.pk))
