"""Shell blocks, as a reader runs them: `curl` and `manage.py` of the running product.

A line `export NAME=…` is for the reader to fill in: it gets what the last answer told. A refusal
must be announced by its status in a comment of the same block (`# 400: the limit is reached`).
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.contract.docs import stages
from tests.contract.docs.blocks import Block, with_own_addresses
from tests.house.sources import ROOT
from tests.stack import Product

FILLED = re.compile(r"^export (\w+)=(\S*)…(?:\s+#.*)?$", re.MULTILINE)
REFUSED = re.compile(r"#.*?\b([45]\d\d)\b")
BOUND_S = 120
CURL = Path(__file__).with_name("curl.py")


class Shell:
    """A reader's terminal: what was exported stays, from one block to the next."""

    def __init__(self, product: Product, folder: Path, **known: str) -> None:
        self.product, self.folder = product, folder
        self.known = known
        self.answers: list[dict[str, Any]] = []
        self._log = folder / "answers"
        programs = folder / "bin"
        programs.mkdir()
        _program(programs / "curl", sys.executable, "-S", CURL)
        _program(programs / "manage.py", sys.executable, ROOT / "manage.py")
        path = f"{programs}:{product.settings['PATH']}"
        server = product.url.removeprefix("http://")
        self.env = {**product.settings, "PATH": path, "SERVER": server, "ANSWERS": str(self._log)}

    def run(self, block: Block) -> str:
        """Run a block to its end; what it printed."""
        stages.before(self, block)
        first, *rest = FILLED.split(with_own_addresses(block.text, block.file))
        said = self._part(first, block.name)
        for name, prefix, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            value = self._told(name)
            assert value.startswith(prefix), f"{block.name}: {name} does not begin with {prefix}"
            self.known[name] = value
            said += self._part(text, block.name)
        return said

    def _told(self, name: str) -> str:
        """What a reader would fill in: of the last answer, or known from before."""
        if name == "ADMIN":
            return self.known[name]
        body = json.loads(self.answers[-1]["body"])
        wanted = {"KEY": "apiKey", "SECRET": "secret"}.get(name, "id")
        parts = [body, *(one for one in body.values() if isinstance(one, dict))]
        return str(next(one[wanted] for one in parts if wanted in one))

    def _part(self, text: str, where: str) -> str:
        self._log.write_text("")
        done = subprocess.run(
            ["sh", "-eu", "-c", text],
            cwd=self.folder,
            env={**self.env, **self.known},
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )
        answers = [json.loads(line) for line in self._log.read_text().splitlines()]
        told = f"{where}\n{text}\n{answers}\n{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}"
        assert done.returncode == 0, told
        refused = [one["status"] for one in answers if one["status"] >= 400]
        assert refused == [int(one) for one in REFUSED.findall(text)], told
        self.answers += answers
        return done.stdout


def _program(path: Path, *words: str | Path) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(str(one) for one in words)} "$@"\n')
    path.chmod(0o755)
