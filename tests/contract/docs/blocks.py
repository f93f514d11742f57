"""The code blocks of the documentation, each with where it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.house.sources import ROOT

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = re.compile(r"@([\w.]+)\.example\b")
FILES = ("README.md", "docs/**/*.md", "sdks/README.md", "sdks/*/README.md")


@dataclass(frozen=True)
class Block:
    """A block: its file, its first line's number, and the word behind the fence."""

    file: str
    line: int
    kind: str
    text: str

    @property
    def name(self) -> str:
        """Where to find it."""
        return f"{self.file}:{self.line}"

    @property
    def first(self) -> str:
        """Its first line, by which lists name it."""
        return self.text.split("\n", 1)[0]


@cache
def blocks() -> tuple[Block, ...]:
    """All blocks, file by file in their order."""
    return tuple(_all())


def of(kind: str) -> dict[str, list[Block]]:
    """The blocks of a kind, by file."""
    files = dict.fromkeys(one.file for one in blocks() if one.kind == kind)
    return {
        file: [one for one in blocks() if (one.file, one.kind) == (file, kind)] for file in files
    }


def with_own_addresses(text: str, where: str) -> str:
    """A text with e-mail addresses that no other one has: they are unique."""
    own = re.sub(r"\W+", "-", where).strip("-").lower()
    return ADDRESS.sub(rf"@\1.{own}.example", text)


def _all() -> Iterator[Block]:
    for path in sorted({path for pattern in FILES for path in ROOT.glob(pattern)}):
        text = path.read_text()
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            yield Block(str(path.relative_to(ROOT)), line, found[1], found[2])
