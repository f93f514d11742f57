"""The system account that the embedded servers run under when Tenlyr is started by root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAME = "tenlyr"
FALLBACK = "nobody"


@dataclass(frozen=True)
class Account:
    """Who a child process becomes."""

    name: str
    uid: int
    gid: int


def for_servers() -> Account | None:
    """The account to drop to, or None when we are an ordinary user already.

    Postgres refuses to run as root. The account is made when the system can (`useradd`), else an
    unprivileged one that exists is used.
    """
    if os.geteuid() != 0:
        return None
    return _existing(NAME) or _made() or _existing(FALLBACK) or Account(FALLBACK, 65534, 65534)


def give(path: Path, account: Account | None) -> None:
    """Hand a file or folder of ours to the account; nothing to do for an ordinary user."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _existing(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid) if entry.pw_uid != 0 else None


def _made() -> Account | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    # A failure (a read-only /etc, say) is no reason to stop: the fallback account serves as well.
    subprocess.run(
        [useradd, *options, "--shell", "/usr/sbin/nologin", NAME],
        check=False,
        capture_output=True,
        timeout=30,
    )
    return _existing(NAME)
