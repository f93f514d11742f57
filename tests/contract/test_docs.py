"""Every code block of the documentation runs, against a started server (X26, Done 8)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.contract.docs import blocks, programs, stages
from tests.contract.docs.shell import Shell
from tests.house.sources import ROOT
from tests.sdks import tools
from tests.sdks.installed import Installed
from tests.stack import Product, Servers

pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)
# Blocks that are not run here, by file and first line, each with the reason.
NOT_RUN = {
    (
        "README.md",
        "make run     # the whole product on embedded Postgres 18 and Valkey, at"
        " http://127.0.0.1:8000",
    ): "it starts what these tests have started, and these tests",
    ("docs/quickstart.md", "make run"): "it starts what these tests have started",
    (
        "docs/runbooks/database-away.md",
        "manage.py give_up_location DATABASE/SCHEMA     # as /readyz names it",
    ): "it gives up a database that is lost: tests/metering/test_outages.py",
    (
        "docs/webhooks.md",
        'import { Webhook } from "standardwebhooks";',
    ): "a package of somebody else's; the same in Python runs",
    (
        "sdks/README.md",
        "typescript/src/{index,client,transport,errors,types,webhooks,keys,"
        "buffer}.ts  src/resources/<name>.ts",
    ): "names of files",
    ("sdks/go/README.md", "go get github.com/tenlyr/tenlyr-go"): "tests/sdks/installed.py",
    (
        "sdks/go/README.md",
        "go vet ./... && go test -race -count=1 ./...",
    ): "tests/sdks/test_go.py",
    ("sdks/python/README.md", "pip install tenlyr"): "tests/sdks/installed.py",
    (
        "sdks/python/README.md",
        'pip install "tenlyr[cli]"',
    ): "it asks, and listens without end: sdks/python/tests runs each command",
    (
        "sdks/python/README.md",
        "python make_sync.py                    # writes the twin without async anew",
    ): "tests/sdks/test_python.py",
    ("sdks/typescript/README.md", "npm install @tenlyr/sdk"): "tests/sdks/installed.py",
}
# Blocks of a kind that a test of their own runs, by file.
ELSEWHERE = {
    ("docs/webhooks.md", "python"): "tests/webhooks/test_recipes.py",
    ("sdks/go/README.md", "go"): "sdks/go/readme_test.go",
}
KINDS = {"sh", "json", "http", "sql", "mermaid", *programs.RUNNERS}


def is_run(block: blocks.Block) -> bool:
    """Whether a block is for the tests below."""
    named = (block.file, block.first) in NOT_RUN
    return not named and (block.file, block.kind) not in ELSEWHERE


def files_of(kind: str) -> dict[str, list[blocks.Block]]:
    """What is to be run of a kind, by file."""
    found = {file: [one for one in ones if is_run(one)] for file, ones in blocks.of(kind).items()}
    return {file: ones for file, ones in found.items() if ones}


def each_of(kind: str) -> list[blocks.Block]:
    """The same in one list."""
    return [one for ones in files_of(kind).values() for one in ones]


@pytest.fixture(scope="module")
def running() -> Iterator[Product]:
    """The product as `make run` has it: webhooks are sent, and may go to this machine."""
    with (
        Servers() as servers,
        Product(
            servers, web=1, worker=True, prompt=True, beats=1, TENLYR_EGRESS_ALLOW_LOOPBACK="1"
        ) as started,
    ):
        yield started


@pytest.fixture
def shell(running: Product, tmp_path: Path, request: pytest.FixtureRequest) -> Shell:
    """A terminal of a reader who has an admin key and a tenant."""
    made = httpx.post(
        f"{running.url}/api/v1/tenants",
        headers={"Authorization": f"Bearer {running.admin_key}"},
        json={"name": "Reader", "ownerEmail": f"{tmp_path.name}@reader.example", "plan": "scale"},
        timeout=stages.BOUND_S,
    ).json()
    known = {"KEY": made["apiKey"], "TENANT": made["tenant"]["id"]}
    return Shell(running, tmp_path, ADMIN=running.admin_key, **known)


def test_every_block_has_a_kind_that_is_run() -> None:
    assert [one.name for one in blocks.blocks() if is_run(one) and one.kind not in KINDS] == []


def test_no_entry_of_the_lists_is_stale() -> None:
    found = blocks.blocks()
    assert set(NOT_RUN) <= {(one.file, one.first) for one in found}
    assert set(ELSEWHERE) <= {(one.file, one.kind) for one in found}
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())
    for file, begin in stages.STAGES:
        assert [one for one in found if one.file == file and one.first.startswith(begin)], begin


@pytest.mark.parametrize("file", files_of("sh"))
def test_shell(shell: Shell, file: str) -> None:
    assert all(isinstance(shell.run(block), str) for block in files_of("sh")[file])


@pytest.mark.parametrize(
    ("kind", "file"), [(kind, file) for kind in programs.RUNNERS for file in files_of(kind)]
)
def test_programs(
    running: Product, shell: Shell, install: Callable[[str], Installed], kind: str, file: str
) -> None:
    language, run = programs.RUNNERS[kind]
    env = {**shell.known, "TENLYR_ADMIN_KEY": running.admin_key, "TENLYR_URL": running.url}
    for number, text in enumerate(programs.programs(kind, file, files_of(kind)[file])):
        name = f"{programs.path_of(file)}-{number}"
        said = run(install(language), programs.adapted(text, running, f"{kind}{name}"), name, env)
        assert said, file


@pytest.mark.parametrize("block", each_of("json"), ids=lambda one: one.name)
def test_json(block: blocks.Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", each_of("http"), ids=lambda one: one.name)
def test_http(block: blocks.Block) -> None:
    head, body = block.text.split("\n\n")
    start, *headers = head.split("\n")
    assert start.endswith(" HTTP/1.1")
    assert all(": " in one for one in headers)
    assert json.loads(body)["id"]


@pytest.mark.parametrize("block", each_of("sql"), ids=lambda one: one.name)
def test_sql(running: Product, block: blocks.Block) -> None:
    with psycopg.connect(running.servers.postgres.superuser_url) as connection:
        found = connection.execute(block.text).description
    assert found


@pytest.mark.parametrize("block", each_of("mermaid"), ids=lambda one: one.name)
def test_mermaid(block: blocks.Block) -> None:
    """No renderer here: that it is a chart whose brackets close."""
    assert block.first.split()[0] in {"flowchart", "sequenceDiagram"}
    assert all(block.text.count(a) == block.text.count(b) for a, b in ("()", "[]"))
    assert block.text.count("subgraph") == block.text.count("    end\n")
