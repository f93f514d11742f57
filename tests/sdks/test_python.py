"""The Python SDK from a clean checkout: its own tests, and built into a project (Done 2)."""

import sys
from pathlib import Path

import pytest

from tests.sdks import tools
from tests.sdks.checkout import checkout

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
def env() -> dict[str, str]:
    """What builds a package, and the second type checker."""
    return tools.python(__name__)


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK as it is checked out."""
    return checkout(tmp_path_factory.mktemp("python")) / "python"


@pytest.fixture(scope="module")
def project(sdk: Path, env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project that has the built SDK beside what it stands on."""
    folder = tmp_path_factory.mktemp("project")
    tools.run(
        [sys.executable, "-m", "build", "-n", "--outdir", folder / "built", "."], sdk, env=env
    )
    [wheel] = (folder / "built").glob("*.whl")
    assert len(list((folder / "built").glob("*.tar.gz"))) == 1
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    tools.run([sys.executable, *install, folder / "site", wheel], folder)
    (folder / "mypy.ini").write_text(f"[mypy]\nstrict = true\nmypy_path = {folder / 'site'}\n")
    return folder


def test_it_passes_its_own_tests(sdk: Path) -> None:
    tools.run([sys.executable, "-m", "pytest", "-c", "pyproject.toml"], sdk)


def test_the_twin_is_current(sdk: Path) -> None:
    tools.run([sys.executable, "make_sync.py", "--check"], sdk)


def test_nothing_is_wrong_or_unformatted(sdk: Path) -> None:
    for check in (["check"], ["format", "--check"]):
        tools.run([sys.executable, "-m", "ruff", *check, "--no-cache", "."], sdk)


def test_both_type_checkers_take_it(sdk: Path, env: dict[str, str]) -> None:
    tools.run([sys.executable, "-m", "mypy"], sdk)
    tools.run([sys.executable, "-m", "basedpyright", "--level", "error"], sdk, env=env)


def test_an_empty_project_uses_it(project: Path) -> None:
    (project / "use.py").write_text(PROGRAM)
    env = tools.environment(PYTHONPATH=str(project / "site"))
    assert tools.run([sys.executable, "use.py"], project, env=env).stdout == "401\n401\n"


def test_a_project_is_checked_against_its_types(project: Path) -> None:
    (project / "typed.py").write_text(TYPED)
    (project / "wrong.py").write_text(WRONG)
    mypy = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini"]
    tools.run([*mypy, "typed.py"], project)
    with pytest.raises(AssertionError, match="gold"):
        tools.run([*mypy, "wrong.py"], project)
