"""The product's own source files, parsed: what the house rules are checked on."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("apps", "tenlyr")
BESIDE = ("benchmarks", "examples", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path from the root, `app` the app it belongs to or ''."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def app(self) -> str:
        parts = Path(self.name).parts
        return parts[1] if parts[0] == "apps" and len(parts) > 2 else ""

    @property
    def is_migration(self) -> bool:
        return "/migrations/" in self.name

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every import statement with each full name that it brings in."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node, f"{node.module}.{alias.name}"


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """All Python files below some folders of the root."""
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            found.append(Source(str(path.relative_to(ROOT)), text, ast.parse(text)))
    return tuple(found)


def length(function: Function) -> int:
    """Lines of a function, from `def` to its end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1
