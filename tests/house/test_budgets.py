"""The house's budgets: what is read often stays short (architecture, 8)."""

import ast
from statistics import median

import pytest

from tests.house.sources import BESIDE, PRODUCT, ROOT, Source, length, sources

LONGEST_FILE, LONGEST_FUNCTION = 400, 60
MEDIAN_FILE, MEDIAN_FUNCTION = 80, 10


def written(*folders: str) -> list[Source]:
    """Files that people write: generated migrations and empty ones apart."""
    return [one for one in sources(*folders) if one.text.strip() and not one.is_migration]


@pytest.mark.parametrize("folder", [*PRODUCT, *BESIDE])
def test_no_file_and_no_function_is_too_long(folder: str) -> None:
    files = [one.name for one in written(folder) if len(one.lines) > LONGEST_FILE]
    functions = [
        f"{one.name}: {function.name}"
        for one in written(folder)
        for function in one.functions()
        if length(function) > LONGEST_FUNCTION
    ]
    assert (files, functions) == ([], [])


def test_the_usual_file_and_function_are_short() -> None:
    files = written(*PRODUCT)
    assert median(len(one.lines) for one in files) <= MEDIAN_FILE
    functions = [length(function) for one in files for function in one.functions()]
    assert median(functions) <= MEDIAN_FUNCTION


def test_every_module_says_what_it_is() -> None:
    silent = [
        one.name for one in written(*PRODUCT, *BESIDE) if not (ast.get_docstring(one.tree) or "")
    ]
    assert silent == []


def test_no_drawer_without_a_name() -> None:
    """What a module is called says what it does (architecture, 2)."""
    drawers = {"utils", "helpers", "common", "services", "managers", "signals", "misc"}
    found = [one.name for one in sources(*PRODUCT) if drawers & set(one.name[:-3].split("/"))]
    assert found == []


def test_every_app_has_a_page_of_its_own() -> None:
    apps = {one.app for one in sources("apps") if one.app}
    missing = [app for app in sorted(apps) if not (ROOT / "apps" / app / "README.md").is_file()]
    assert missing == []
