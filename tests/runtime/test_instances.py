"""Postgres instances of tenants' own: started, killed, moved to another port, removed, for real."""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

from apps.isolation.databases import aliases, building, providing, upgrading
from apps.isolation.databases.drivers import instance as driver
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database
from tenlyr import env
from tenlyr.runtime import home, ports
from tenlyr.runtime.processes import MARK, inhabitants, spawn
from tests.core.threads import together
from tests.runtime.running import STOP_S, eventually

pytestmark = pytest.mark.timeout(400)


class Keeper:
    """`manage.py instances` as the supervisor starts it, on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.process: Any = None

    def start(self) -> None:
        given = {**os.environ, "TENLYR_HOME": str(self.folder / "home"), MARK: "1"}
        with self.output.open("ab") as output:
            self.process = spawn(
                [sys.executable, "manage.py", "instances"],
                cwd=env.BASE_DIR,
                env=given,
                stdout=output,
            )

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return int(self.process.wait(STOP_S))

    @property
    def text(self) -> str:
        return self.output.read_text()

    def data(self, alias: str) -> Path:
        """The data folder of an instance."""
        return home.prepare(self.folder / "home").servers / "instances" / alias / "data"

    def server(self, alias: str) -> list[int]:
        """The processes of an instance."""
        return inhabitants(self.data(alias), "postgres")

    def main_process(self, alias: str) -> int:
        """The process of an instance that starts all others; 0 when there is none."""
        try:
            return int((self.data(alias) / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):  # it starts or stops
            return 0


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    folder = tmp_path_factory.mktemp("instances")
    # The servers' account passes through to its own folders.
    for part in [folder, *folder.parents][:3]:
        part.chmod(0o755)
    kept = Keeper(folder)
    kept.start()
    yield kept
    assert kept.end() == 0
    shutil.rmtree(home.prepare(folder / "home").servers)


@pytest.fixture(scope="module")
def own(keeper: Keeper) -> Iterator[Database]:
    """A database whose instance runs, with one schema in it."""
    database = providing.provide(providing.new_alias(), "instance")
    building.build_location(database, f"t_{uuid4().hex}")
    yield database
    if keeper.process.poll() is not None:
        keeper.start()
    providing.retire(database.alias)
    assert not keeper.data(database.alias).parent.exists()
    database.refresh_from_db()
    assert database.dsn is None


def answers(alias: str) -> bool:
    """Whether the instance lets its deploy role in, at the address that the row has now."""
    row = Database.objects.get(pk=alias)
    try:
        psycopg.connect(aliases.address_of(row).dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_it_is_a_server_of_its_own(own: Database, keeper: Keeper) -> None:
    assert own.state == Database.State.READY
    assert own.provided == "a Postgres instance of its own, on the machine of the product"
    with psycopg.connect(aliases.address_of(own).dsn) as connection:
        assert connection.info.backend_pid in keeper.server(own.alias)
    assert aliases.address_of(own).port != int(settings.DATABASES["default"]["PORT"])


def test_killed_it_comes_back(own: Database, keeper: Keeper) -> None:
    before = keeper.main_process(own.alias)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: keeper.main_process(own.alias) not in (0, before), "a new server")
    eventually(lambda: answers(own.alias), "an answer")
    assert f"{own.alias} ended with -9, is started again" in keeper.text


def test_a_second_keeper_is_refused(keeper: Keeper) -> None:
    second = Keeper(keeper.folder)
    second.output = keeper.folder / "second"
    second.start()
    assert second.process.wait(STOP_S) == 1
    assert "Tenlyr already runs on" in second.text


def test_its_keeper_killed_another_one_takes_over(own: Database, keeper: Keeper) -> None:
    before = keeper.main_process(own.alias)
    keeper.process.kill()
    keeper.process.wait(STOP_S)
    keeper.start()
    # Not the old server's: it stops by itself.
    eventually(lambda: keeper.main_process(own.alias) not in (0, before), "a new server")
    eventually(lambda: answers(own.alias), "an answer")
    assert upgrading.upgrade_if_behind(own.alias) == 0


def test_one_whose_address_cannot_be_read_starts_and_gets_it_anew(
    own: Database, keeper: Keeper
) -> None:
    assert keeper.end() == 0
    row = Database.objects.filter(pk=own.alias)
    row.update(dsn=b"sealed by nobody")
    keeper.start()
    eventually(lambda: bytes(row.get().dsn or b"") != b"sealed by nobody", "its address")
    eventually(lambda: answers(own.alias), "an answer")


def test_it_stops_with_its_keeper_and_gets_another_port_when_its_own_is_taken(
    own: Database, keeper: Keeper
) -> None:
    port = aliases.address_of(own).port
    assert keeper.end() == 0
    assert keeper.server(own.alias) == []
    assert not ports.bind_error(port)
    with socket.create_server((ports.HOST, port)):
        keeper.start()
        eventually(lambda: answers(own.alias), "an answer")
    assert aliases.address_of(Database.objects.get(pk=own.alias)).port != port


def test_several_at_once(keeper: Keeper) -> None:
    names = [providing.new_alias() for _ in range(3)]
    together([partial(providing.provide, name, "instance") for name in names])
    rows = Database.objects.filter(pk__in=names)
    assert {row.state for row in rows} == {Database.State.READY}
    assert len({aliases.address_of(row).port for row in rows}) == 3
    for name in names:
        providing.retire(name)
        assert not keeper.data(name).parent.exists()
        assert keeper.server(name) == []


def test_one_that_cannot_be_made_is_failed_and_a_retry_finishes_it(keeper: Keeper) -> None:
    alias = providing.new_alias()
    folder = keeper.data(alias).parent
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")
    with pytest.raises(DatabaseFailed, match=r"The instance could not be started: .*File exists"):
        providing.provide(alias, "instance")
    row = Database.objects.get(pk=alias)
    assert (row.state, "File exists" in row.error) == (Database.State.FAILED, True)
    folder.unlink()
    assert providing.provide(alias, "instance").state == Database.State.READY
    providing.retire(alias)


def test_without_a_keeper_it_says_so(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeper.end() == 0
    monkeypatch.setattr(driver, "SEEN_TIMEOUT_S", 0.5)
    alias = providing.new_alias()
    with pytest.raises(DatabaseFailed, match=r"`manage\.py instances` must run"):
        providing.provide(alias, "instance")
    assert Database.objects.get(pk=alias).state == Database.State.FAILED
    keeper.start()
    providing.retire(alias)
