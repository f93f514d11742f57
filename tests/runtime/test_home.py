"""The data folder: made, refused, locked, and where root's servers lie."""

import os
import pwd
from pathlib import Path

import pytest

from tenlyr.runtime import accounts, home
from tenlyr.runtime.accounts import Account
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.home import Home


@pytest.fixture
def as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Root's layout below `tmp_path`, whoever runs the tests."""
    monkeypatch.setattr(home, "ROOTS_FOLDER", tmp_path / "var")
    monkeypatch.setattr(accounts, "for_servers", lambda: Account("someone", 65534, 65534))
    return tmp_path / "clone" / ".tenlyr"


def test_it_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "for_servers", lambda: None)
    here = home.prepare(tmp_path / "new" / "home")
    assert here.path.stat().st_mode & 0o777 == 0o700
    assert here.servers == here.path


def test_one_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartFailed, match=r"^TENLYR_HOME .*/file/home cannot be made: Not a dir"):
        home.prepare(tmp_path / "file" / "home")


def test_one_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StartFailed, match="belongs to another user"):
        home.prepare(tmp_path)


def test_one_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StartFailed, match=r"cannot be written to\.$"):
        home.prepare(tmp_path)


def test_a_second_holder_of_the_lock_is_refused(tmp_path: Path) -> None:
    handle = home.lock(tmp_path)
    with pytest.raises(StartFailed, match=f"^Tenlyr already runs on {tmp_path}: "):
        home.lock(tmp_path)
    os.close(handle)
    os.close(home.lock(tmp_path))


def test_a_copy_of_roots_home_cannot_run_beside_it(tmp_path: Path) -> None:
    for name in ("one", "copy", "servers"):
        (tmp_path / name).mkdir()
    held = Home(tmp_path / "one", tmp_path / "servers", None).lock()
    with pytest.raises(StartFailed, match=f"already runs on {tmp_path / 'servers'}"):
        Home(tmp_path / "copy", tmp_path / "servers", None).lock()
    for handle in held:
        os.close(handle)


def test_a_secret_is_made_once_and_only_ours(tmp_path: Path) -> None:
    first = home.secret(tmp_path / "secret")
    assert len(first) >= 32
    assert home.secret(tmp_path / "secret") == first
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_roots_servers_lie_where_others_pass_through(as_root: Path) -> None:
    here = home.prepare(as_root)
    assert here.servers.parent == home.ROOTS_FOLDER
    assert here.servers.stat().st_mode & 0o777 == 0o755
    assert as_root.stat().st_mode & 0o777 == 0o700
    assert (as_root / home.POINTER).read_text().strip() == str(here.servers)
    assert home.prepare(as_root).servers == here.servers


def test_a_clone_that_moved_finds_its_data(as_root: Path) -> None:
    first = home.prepare(as_root).servers
    moved = as_root.parent.rename(as_root.parent.with_name("moved"))
    assert home.prepare(moved / ".tenlyr").servers == first


def test_data_whose_home_is_gone_is_set_aside_not_used(as_root: Path) -> None:
    first = home.prepare(as_root).servers
    (first / "precious").write_text("data")
    (as_root / home.POINTER).unlink()
    again = home.prepare(as_root).servers
    assert again == first
    assert not (again / "precious").exists()
    (aside,) = first.parent.glob(f"{first.name}.left-*")
    assert (aside / "precious").read_text() == "data"


class TestAccount:
    def test_an_ordinary_user_needs_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert accounts.for_servers() is None

    def test_root_gets_one_that_is_not_root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(accounts, "_made", lambda: None)
        account = accounts.for_servers()
        assert account is not None
        assert account.uid != 0
        assert account.name in {accounts.NAME, accounts.FALLBACK}

    def test_without_useradd_it_is_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(accounts, "NAME", "tenlyr-nobody-has-this-name")
        monkeypatch.setattr(accounts, "_made", lambda: None)
        account = accounts.for_servers()
        assert account is not None
        assert (account.name, account.uid) == ("nobody", pwd.getpwnam("nobody").pw_uid)
