"""Blocks of TypeScript, Python and Go as programs: those of a file make one, in their order."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tenlyr.runtime import ports
from tests.contract.docs import blocks
from tests.contract.docs.blocks import Block
from tests.sdks import tools
from tests.sdks.installed import Installed
from tests.stack import Product

PORTS = re.compile(r"\b90\d\d\b")
# What a file's blocks take for given, in front of them.
GIVEN = {
    "sdks/python/README.md": (
        'import os\n\ntenant_id, api_key = os.environ["TENANT"], os.environ["KEY"]\n'
    ),
}


def adapted(text: str, product: Product, where: str) -> str:
    """A text for the product that runs, and with e-mail addresses that nobody else has."""
    text = text.replace("http://127.0.0.1:8000", product.url)
    for port in sorted(set(PORTS.findall(text))):
        text = text.replace(port, str(ports.any_free()))
    # The README of the client talks to api.tenlyr.app, as everybody would.
    key = "apiKey: process.env.TENLYR_ADMIN_KEY,"
    text = text.replace(key.rstrip(",") + " }", key + " }").replace(
        key, f'{key} baseUrl: "{product.url}",'
    )
    return blocks.with_own_addresses(text, where)


def typescript(sdk: Installed, text: str, name: str, env: dict[str, str]) -> str:
    """Compile strictly, beside the packages that the client's own tests have, and run."""
    folder = sdk.sdk / "documentation"
    folder.mkdir(exist_ok=True)
    source = folder / f"{name}.mts"
    source.write_text(text)
    compiler = sdk.sdk / "node_modules" / "typescript" / "bin" / "tsc"
    strict = ("--strict", "--module", "nodenext", "--target", "es2022", "--types", "node")
    tools.run(["node", compiler, *strict, "--skipLibCheck", source], sdk.sdk, env=sdk.env)
    done = tools.run(["node", source.with_suffix(".mjs")], sdk.sdk, env={**sdk.env, **env})
    return done.stdout


def script(sdk: Installed, text: str, name: str, env: dict[str, str]) -> str:
    """Run in the project that has the client installed."""
    source = sdk.project / f"docs-{name}{sdk.ending}"
    source.write_text(text)
    return sdk.run_file(source, **env)


RUNNERS: dict[str, tuple[str, Callable[[Installed, str, str, dict[str, str]], str]]] = {
    "ts": ("typescript", typescript),
    "python": ("python", script),
    "go": ("go", script),
}


def programs(kind: str, file: str, found: Sequence[Block]) -> list[str]:
    """One program of all blocks; of Go, where a program says `package main`, one of each."""
    if kind == "go":
        return [one.text for one in found]
    return [GIVEN.get(file, "") + "\n".join(one.text for one in found)]


def path_of(file: str) -> str:
    """A file's name as a word."""
    return re.sub(r"\W+", "-", str(Path(file).with_suffix("")))
