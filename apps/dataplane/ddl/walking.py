"""Every node of a parsed statement, without recursion: a hostile one may be thousands deep."""

from collections.abc import Iterator
from typing import Any

from pglast import ast


def nodes(root: ast.Node) -> Iterator[ast.Node]:
    """The root and all nodes below it, in no promised order."""
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Node):
            yield one
            waiting.extend(getattr(one, name) for name in type(one).__dict__["__slots__"])
        elif isinstance(one, tuple | list):
            waiting.extend(one)


def words(names: Any) -> list[str]:
    """A dotted name in its parts."""
    return [part.sval or "" for part in names if isinstance(part, ast.String)]
