"""The data folder: where everything of one Tenlyr lies, and the lock that keeps a second one
out.
"""

import fcntl
import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from tenlyr.runtime import accounts
from tenlyr.runtime.accounts import Account
from tenlyr.runtime.errors import StartFailed

ROOTS_FOLDER = Path("/var/lib/tenlyr")
POINTER = "servers"


@dataclass(frozen=True)
class Home:
    """`path` is TENLYR_HOME; `servers` holds the embedded servers, run as `account` if that is
    set.
    """

    path: Path
    servers: Path
    account: Account | None

    @property
    def run_env(self) -> Path:
        """What other `manage.py` commands read to reach the running product."""
        return self.path / "run.env"

    def lock(self) -> list[int]:
        """Keep other supervisors out, also one of a copy of this folder; answers open files."""
        return [lock(folder) for folder in dict.fromkeys([self.path, self.servers])]


def prepare(path: Path) -> Home:
    """Make the data folder (0700), or say why it cannot be used."""
    _make_private(path)
    account = accounts.for_servers()
    servers = path if account is None else _servers_of_root(path)
    return Home(path, servers, account)


def lock(folder: Path) -> int:
    """Hold `folder` until this process ends; a second holder is refused. Returns the open file."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StartFailed(
            f"Tenlyr already runs on {folder}: stop it first, or give TENLYR_HOME another folder."
        ) from None
    return handle


def secret(path: Path) -> str:
    """The random secret kept in `path` (0600, made on the first call)."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(36) + "\n")
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _make_private(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(
            f"TENLYR_HOME {path} cannot be made: {error.strerror or error}."
        ) from error
    if path.stat().st_uid != os.geteuid():
        raise StartFailed(
            f"TENLYR_HOME {path} belongs to another user: start Tenlyr as its owner, "
            "or name another folder."
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise StartFailed(f"TENLYR_HOME {path} cannot be written to.")


def _servers_of_root(path: Path) -> Path:
    """Root's clone may be closed to the servers' account, so their files lie where it can reach.

    The pointer in the home folder says where. Without one, what lies at the default place was left
    by a home folder that is gone, with the keys to it: it is set aside, never deleted or reused.
    """
    pointer = path / POINTER
    if pointer.exists():
        return _open_to_all(Path(pointer.read_text().strip()))
    clone = path.parent if path.name == ".tenlyr" else path
    folder = ROOTS_FOLDER / hashlib.sha256(str(clone).encode()).hexdigest()[:16]
    if folder.exists():
        handle = lock(folder)  # whoever still runs there is not robbed of it
        folder.rename(folder.with_name(f"{folder.name}.left-{int(time.time() * 1000)}"))
        os.close(handle)
    _open_to_all(folder)
    write_private(pointer, f"{folder}\n")
    return folder


def _open_to_all(folder: Path) -> Path:
    for part in (folder.parent, folder):
        if not part.exists():
            part.mkdir(parents=True)
            part.chmod(0o755)  # whatever the umask: others pass through, what lies within is closed
    return folder
