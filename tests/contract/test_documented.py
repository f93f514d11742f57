"""The documented code runs as it is written, against a started server (Done 1, X27).

`documented/blocks.txt` holds it, `documented/changes.json` every line that is changed and why.
"""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sdks import tools
from tests.sdks.installed import Installed
from tests.sdks.vectors import signatures

pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)
ANSWER_S = 60
HERE = Path(__file__).parent / "documented"
BLOCK = re.compile(r"^## (\w+)\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PLACE = re.compile(r"^( *)//: (\w+)\n", re.MULTILINE)
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
METHOD = re.compile(r"^tenlyr\.(\w+)\.(\w+)\(", re.MULTILINE)
TEXTS = {name: text for name, _, text in BLOCK.findall((HERE / "blocks.txt").read_text())}
CHANGES: dict[str, list[dict[str, Any]]] = json.loads((HERE / "changes.json").read_text())
LISTS = [name for name in TEXTS if name.startswith("methods_")]
IN_STAGE = (
    {"typescript_initialize", *TEXTS}
    - {"dashboard", *LISTS}
    - {name for name in TEXTS if name.startswith(("python_", "go_"))}
)
GO = """package main

import (
	"context"
	"log"
	"os"
	"time"

	{imported}
)

func main() {{
{blocks}
	if err != nil {{
		log.Fatal(err)
	}}
}}
"""


@pytest.fixture(scope="module")
def server(product: Any) -> dict[str, str]:
    """Where the blocks find the server, and the key."""
    return {"BASE_URL": product.url, "TENLYR_ADMIN_KEY": product.admin_key}


def ready(name: str) -> str:
    """A block with its changed lines; each must be there, once."""
    text = TEXTS[name]
    for change in CHANGES.get(name, []):
        line = f"{change['line']}\n"
        assert text.count(line) == 1, (name, change["line"])
        text = text.replace(line, "".join(f"{one}\n" for one in change["becomes"]))
    return text


def test_every_change_has_a_reason() -> None:
    assert set(CHANGES) <= set(TEXTS)
    assert all(change["reason"] for changes in CHANGES.values() for change in changes)


def test_every_block_of_typescript_is_in_the_stage() -> None:
    places = {name for _, name in PLACE.findall((HERE / "stage.ts").read_text())}
    assert places == IN_STAGE | {"methods"}


def test_typescript(server: dict[str, str], install: Callable[[str], Installed]) -> None:
    sdk = install("typescript")
    source = sdk.project / "documented.ts"
    source.write_text(_staged((HERE / "stage.ts").read_text()))
    packages = sdk.sdk / "node_modules"
    tools.run(
        [
            *("node", packages / "typescript" / "bin" / "tsc", "--target", "es2022"),
            *("--module", "es2022", "--moduleResolution", "bundler", "--types", "node"),
            *("--typeRoots", packages / "@types", source),
        ],
        sdk.project,
        env=sdk.env,
    )
    program = source.with_suffix(".js").rename(source.with_suffix(".mjs"))
    [delivery] = [one for one in signatures() if one["name"] == "ours: plain"]
    said = sdk.run_file(program, **server, DELIVERY=json.dumps(delivery))
    assert said.splitlines()[-1] == "all blocks ran"


def _staged(stage: str) -> str:
    """The stage with every block in its place, all imports above."""
    imports: list[str] = []

    def block(found: re.Match[str]) -> str:
        text = _methods() if found[2] == "methods" else ready(found[2])
        imports.extend(IMPORT.findall(text))
        return IMPORT.sub("", text)

    body = PLACE.sub(block, stage)
    return "".join(_merged(imports)) + body


def _merged(imports: list[str]) -> list[str]:
    """The blocks' imports, of the SDK in one line: several blocks import the same names."""
    whole = "".join(imports)
    named = {
        one for names in re.findall(r"\{([^}]*)\}", whole) for one in re.findall(r"\w+", names)
    }
    others = [one for one in imports if "@tenlyr/sdk" not in one]
    return [f"import {{ {', '.join(sorted(named))} }} from '@tenlyr/sdk';\n", *others]


def _methods() -> str:
    """A line for each method that the lists name."""
    named = [found for name in LISTS for found in METHOD.findall(TEXTS[name])]
    assert len(named) == len([line for name in LISTS for line in TEXTS[name].split("\n") if line])
    return "".join(f"assert.equal(typeof tenlyr.{a}.{b}, 'function');\n" for a, b in named)


def test_python(server: dict[str, str], install: Callable[[str], Installed]) -> None:
    sdk = install("python")
    program = sdk.project / "documented.py"
    program.write_text(ready("python_initialize") + ready("python_usage"))
    sdk.run_file(program, **server)
    assert _used(server, "python@acme.example") == 1


def test_go(server: dict[str, str], install: Callable[[str], Installed]) -> None:
    sdk = install("go")
    first, _, rest = ready("go_initialize").partition("\n")
    program = sdk.project / "documented.go"
    blocks = rest + ready("go_usage")
    program.write_text(GO.format(imported=first.removeprefix("import "), blocks=blocks))
    sdk.run_file(program, **server)
    assert _used(server, "go@acme.example") == 1


def test_curl(server: dict[str, str]) -> None:
    """What curl would send: the command's own words, by another client."""
    command = re.sub(r"\$(\w+)", lambda found: server[found[1]], ready("dashboard"))
    program, url, *options = shlex.split(command.replace("\\\n", " "))
    assert program == "curl"
    assert options[::2] == ["-H"] * (len(options) // 2)
    headers = dict(one.split(": ", 1) for one in options[1::2])
    answer = httpx.get(url, headers=headers, timeout=ANSWER_S)
    assert answer.status_code == 200
    assert isinstance(answer.json(), list)


def _used(server: dict[str, str], email: str) -> int:
    """How many calls the tenant of an address has made."""
    key = {"Authorization": f"Bearer {server['TENLYR_ADMIN_KEY']}"}
    url = f"{server['BASE_URL']}/api/v1/tenants/dashboard"
    rows = httpx.get(url, headers=key, params={"limit": 1000}, timeout=ANSWER_S).json()
    [found] = [one["apiCalls"] for one in rows if one["ownerEmail"] == email]
    return int(found)
