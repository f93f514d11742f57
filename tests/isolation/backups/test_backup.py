"""Backups: whole, of one moment, for their owner's eyes, and refused where they cannot be."""

import os
import random
import stat
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connections

from apps.isolation.backups import archive, manifest, reading, writing
from apps.isolation.backups.errors import BackupFailed
from tenlyr.core import ids
from tests import cast
from tests.core.threads import until
from tests.isolation.backups.scene import Shop, die, said


class TestWhole:
    def test_every_table_with_its_rows_and_digest(self, shop: Shop, tmp_path: Path) -> None:
        assert "rows of 6 tables" in shop.backup(tmp_path / "one")
        with reading.opened(tmp_path / "one") as found:
            rows = {table.name: table.rows for table in found.manifest.tables}
            assert (rows["customers"], rows["orders"], rows["notes"]) == (2, 2, 1)
            assert rows["usage_event"] == len(shop.usage()["usage_event"])
            assert found.manifest.tenant_id == shop.customer.id
            assert found.manifest.versions["release"] == "1"

    def test_it_is_a_tar_that_only_its_owner_reads(self, shop: Shop, tmp_path: Path) -> None:
        path = tmp_path / "one"
        shop.backup(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with tarfile.open(path) as tar:
            assert "dataplane/orders/000000" in tar.getnames()
            assert tar.getnames()[-2:] == ["manifest.json", "sha256"]
        assert [one.name for one in tmp_path.iterdir()] == ["one"]

    def test_many_chunks(self, shop: Shop, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(writing, "CHUNK_BYTES", 1_000)
        shop.backup(tmp_path / "one")
        with reading.opened(tmp_path / "one") as found:
            events = next(one for one in found.manifest.tables if one.name == "usage_event")
            assert len(events.chunks) > 10

    def test_an_encrypted_one_says_nothing_without_the_secret(
        self, shop: Shop, tmp_path: Path, settings: Any
    ) -> None:
        shop.backup(tmp_path / "plain")
        shop.backup(tmp_path / "sealed", "--encrypt")
        assert b"1@shop" in (tmp_path / "plain").read_bytes()
        assert b"1@shop" not in (tmp_path / "sealed").read_bytes()
        with reading.opened(tmp_path / "sealed") as found:
            assert found.manifest.rows > 0
        settings.SECRET_KEY = "another secret of another installation"
        with (
            pytest.raises(BackupFailed, match="another installation"),
            reading.opened(tmp_path / "sealed"),
        ):
            pass

    def test_it_is_on_the_trail(self, shop: Shop, tmp_path: Path) -> None:
        from apps.audit.models import AuditEntry

        shop.backup(tmp_path / "one")
        entries = AuditEntry.objects.filter(tenant_id=shop.customer.id)
        assert "isolation.tenant_backed_up" in {one.body["action"] for one in entries}


class TestOneMoment:
    def test_a_writer_goes_on_and_no_half_of_a_transaction_is_in_it(
        self, shop: Shop, tmp_path: Path
    ) -> None:
        stop, written = threading.Event(), list[int]()
        both = "WITH c AS (INSERT INTO customers (email) VALUES ('w' || gen_random_uuid())"
        both += " RETURNING 1) INSERT INTO notes (text) SELECT 'w' FROM c"

        def write() -> None:
            with shop.connect() as connection:
                connections.close_all()
                while not stop.is_set():
                    connection.execute(both)
                    written.append(1)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                until_more_is_in(written)
                shop.backup(tmp_path / str(number))
        finally:
            stop.set()
            writer.join(30)
        seen = []
        for number in range(5):
            with reading.opened(tmp_path / str(number)) as found:
                rows = {table.name: table.rows for table in found.manifest.tables}
                assert rows["customers"] - 2 == rows["notes"] - 1
                seen.append(rows["notes"])
        assert seen == sorted(set(seen))


def until_more_is_in(written: list[int]) -> None:
    """Two more, because the first may have been there already, and not been counted yet."""
    wanted = len(written) + 2
    until(lambda: len(written) >= wanted)


class TestDamaged:
    def test_a_flipped_byte_anywhere_is_refused(self, shop: Shop, tmp_path: Path) -> None:
        path = tmp_path / "one"
        shop.backup(path)
        whole = path.read_bytes()
        places = {*random.sample(range(len(whole)), 300), 0, 150, len(whole) - 1}
        for place in places:
            damaged = bytearray(whole)
            damaged[place] ^= 1 << random.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(BackupFailed, match="damaged"), reading.opened(path):
                pass

    def test_so_is_one_that_is_cut_or_longer(self, shop: Shop, tmp_path: Path) -> None:
        path = tmp_path / "one"
        shop.backup(path)
        whole = path.read_bytes()
        for size in (0, 1, 512, 1536, 4096, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:size])
            with pytest.raises(BackupFailed, match="damaged"), reading.opened(path):
                pass
        path.write_bytes(whole + b"\0")
        with pytest.raises(BackupFailed, match="damaged"), reading.opened(path):
            pass


class TestRefused:
    def test_shared_rows_have_no_backup_of_their_own(self, account: Any, tmp_path: Path) -> None:
        tenant = cast.tenant(account)
        with pytest.raises(CommandError, match="move it to dedicated_schema first"):
            said("backup_tenant", tenant.id, "--to", tmp_path / "one")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_is_never_written_over(self, shop: Shop, tmp_path: Path) -> None:
        (tmp_path / "one").write_text("mine")
        with pytest.raises(CommandError, match="there already"):
            shop.backup(tmp_path / "one")
        assert (tmp_path / "one").read_text() == "mine"

    def test_nor_one_that_another_backup_has_just_finished(
        self, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, open_ = tmp_path / "one", os.open

        def late(*given: Any) -> int:
            monkeypatch.setattr(archive.os, "open", open_)
            shop.backup(path)
            return open_(*given)

        monkeypatch.setattr(archive.os, "open", late)
        with pytest.raises(BackupFailed, match="there already"), archive.writing(path) as file:
            file.add("another", b"x")
        with reading.opened(path) as found:
            assert found.manifest.tenant_id == shop.customer.id
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        "text",
        [
            "[]",
            '"x"',
            "5",
            "null",
            '{"format": 1, "tables": [], "tenant_id": 5, "workspace_id": 5}',
            '{"format": 1, "tables": [], "tenant_id": "%s", "workspace_id": "%s", "versions": []}',
        ],
    )
    def test_a_manifest_that_is_none(self, tmp_path: Path, text: str) -> None:
        """In a file whose sums are right: somebody made it."""
        with archive.writing(tmp_path / "one") as file:
            file.add(manifest.NAME, text.replace("%s", str(ids.uuid7())).encode())
        with pytest.raises(BackupFailed, match="damaged"), reading.opened(tmp_path / "one"):
            pass

    def test_a_full_disk_leaves_nothing(self, shop: Shop, tmp_path: Path, monkeypatch: Any) -> None:
        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(archive.Archive, "add", full)
        with pytest.raises(CommandError, match="No space left"):
            shop.backup(tmp_path / "one")
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_one_left_is_in_nobodys_way(self, shop: Shop, tmp_path: Path) -> None:
        die(tmp_path / "one", "--of", shop.customer.id)
        assert [one.name for one in tmp_path.iterdir()] == ["one.part"]
        shop.backup(tmp_path / "one")
        assert [one.name for one in tmp_path.iterdir()] == ["one"]
        with reading.opened(tmp_path / "one") as found:
            assert found.manifest.rows > 0
