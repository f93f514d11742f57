"""The Python SDK from a clean checkout: its own tests, and built into a project (Done 2)."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sdks import tools
from tests.sdks.installed import Installed

PROGRAM = """import asyncio

import tenlyr


async def main() -> None:
    async with tenlyr.Tenlyr(api_key="tenlyr_live_no_key") as client:
        try:
            await client.tenants.get("t")
        except tenlyr.AuthenticationError as error:
            print(error.status_code)


def twin() -> None:
    with tenlyr.TenlyrSync(api_key="tenlyr_live_no_key") as client:
        try:
            client.tenants.get("t")
        except tenlyr.AuthenticationError as error:
            print(error.status_code)


asyncio.run(main())
twin()
"""
TYPED = """import tenlyr


async def provision(client: tenlyr.Tenlyr) -> tenlyr.Tenant:
    result = await client.tenants.create(
        name="Acme Corp", owner_email="owner@acme.example", plan="growth"
    )
    event = await client.usage.track(tenant_key=result.api_key, metric="api_call", value=1)
    async for one in client.tenants.list_all(limit=2):
        print(one.id, event.id)
    return result.tenant


def count(client: tenlyr.TenlyrSync, key: str) -> int:
    try:
        return client.usage.metrics(key).api_calls
    except tenlyr.PlanLimitExceededError as error:
        return int(error.limit or 0)
"""
WRONG = """import tenlyr


async def change(client: tenlyr.Tenlyr) -> None:
    await client.tenants.change_plan("t", "gold")
"""

# A first run compiles, or fetches what it needs; a second one takes seconds.
pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)


@pytest.fixture(scope="module")
def python(install: Callable[[str], Installed]) -> Installed:
    """The SDK as it is checked out, and a project that has it."""
    return install("python")


def test_it_passes_its_own_tests(python: Installed) -> None:
    said = tools.run([sys.executable, "-m", "pytest", "-c", "pyproject.toml"], python.sdk).stdout
    assert "passed" in said
    assert "skipped" not in said


def test_the_twin_is_current(python: Installed) -> None:
    tools.run([sys.executable, "make_sync.py", "--check"], python.sdk)


def test_nothing_is_wrong_or_unformatted(python: Installed) -> None:
    for check in (["check"], ["format", "--check"]):
        tools.run([sys.executable, "-m", "ruff", *check, "--no-cache", "."], python.sdk)


def test_both_type_checkers_take_it(python: Installed) -> None:
    with ThreadPoolExecutor(1) as beside:
        mypy = beside.submit(tools.run, [sys.executable, "-m", "mypy"], python.sdk)
        tools.run(
            [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable],
            python.sdk,
            env=tools.python(__name__),
        )
        mypy.result()


def test_both_kinds_of_package_are_built(python: Installed) -> None:
    assert sorted(one.suffix for one in (python.project / "built").iterdir()) == [".gz", ".whl"]


def test_an_empty_project_uses_it(python: Installed, tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(PROGRAM)
    assert python.run_file(tmp_path / "use.py") == "401\n401\n"


def test_a_project_is_checked_against_its_types(python: Installed) -> None:
    folder = python.project
    (folder / "mypy.ini").write_text(f"[mypy]\nstrict = true\nmypy_path = {folder / 'site'}\n")
    (folder / "typed.py").write_text(TYPED)
    (folder / "wrong.py").write_text(WRONG)
    mypy = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini"]
    tools.run([*mypy, "typed.py"], folder)
    with pytest.raises(AssertionError, match="gold"):
        tools.run([*mypy, "wrong.py"], folder)
