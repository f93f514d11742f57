"""The parity check finds what one SDK lacks (Done 3)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT

SDKS = ROOT / "sdks"
CHECK = SDKS / "check_parity.py"
# Each language's file of one resource, a method there by two spellings, and an event's name.
PLACES = {
    "typescript": ("src/resources/alerts.ts", "resolveAll"),
    "python": ("src/tenlyr/resources/alerts.py", "resolve_all"),
    "go": ("alerts.go", "ResolveAll"),
}
ENUMS = {
    "typescript": "src/types/enums.ts",
    "python": "src/tenlyr/_enums.py",
    "go": "enums.go",
}
ERRORS = {
    "typescript": "src/index.ts",
    "python": "src/tenlyr/_errors.py",
    "go": "errors.go",
}
LANGUAGES = tuple(PLACES)
EACH = pytest.mark.parametrize("language", LANGUAGES)


def check(sdks: Path, *languages: str) -> subprocess.CompletedProcess[str]:
    """The check's own command line."""
    only = [word for one in languages for word in ("--only", one)]
    document = ("--openapi", str(ROOT / "openapi.json"))
    return subprocess.run(
        [sys.executable, str(CHECK), "--sdks", str(sdks), *document, *only],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The SDKs' sources, to be spoilt."""
    unread = shutil.ignore_patterns("node_modules", "dist", ".*_cache", "__pycache__", ".venv")
    shutil.copytree(SDKS, tmp_path / "sdks", ignore=unread)
    return tmp_path / "sdks"


def spoil(path: Path, pattern: str, new: str) -> None:
    """Replace what a file must hold."""
    text, count = re.subn(pattern, new, path.read_text())
    assert count
    path.write_text(text)


@EACH
def test_each_of_them_has_all(language: str) -> None:
    done = check(SDKS, language)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("all there")


@EACH
def test_a_method_that_is_gone(copy: Path, language: str) -> None:
    name, method = PLACES[language]
    spoil(copy / language / name, rf"\b{method}\b", "somethingElse")
    done = check(copy, language)
    assert done.returncode == 1
    assert f"{language} lacks method alerts.resolveAll\n" in done.stdout


@EACH
def test_an_error_that_is_gone(copy: Path, language: str) -> None:
    spoil(copy / language / ERRORS[language], r"\bConflictError\b", "OtherError")
    done = check(copy, language)
    assert done.returncode == 1
    assert f"{language} lacks error ConflictError\n" in done.stdout


@EACH
@pytest.mark.parametrize("value", ["tenant.plan_changed", "dedicated_schema"])
def test_a_value_that_is_gone(copy: Path, language: str, value: str) -> None:
    spoil(copy / language / ENUMS[language], re.escape(f'"{value}"'), '"other"')
    done = check(copy, language)
    assert done.returncode == 1
    assert re.search(rf"{language} lacks enumeration \S+: .*{re.escape(value)}", done.stdout)


def test_an_sdk_that_is_not_there(copy: Path) -> None:
    for language in PLACES:
        shutil.rmtree(copy / language, ignore_errors=True)
    done = check(copy)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "folder" in line] == [
        f"{language} lacks the folder itself" for language in PLACES
    ]


def test_it_says_what_it_is_for() -> None:
    done = subprocess.run(
        [sys.executable, str(CHECK), "--help"], capture_output=True, text=True, check=True
    )
    assert "--only" in done.stdout
