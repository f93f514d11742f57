"""What the product emits beside what its catalogue says: the same names, the same kinds."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.webhooks.catalogue import CATALOGUE, NOT_YET, Entry
from tenlyr.core.events import Event
from tests.house.sources import ROOT

APPS = ROOT / "apps"


def check(event: Event) -> None:
    """A subscriber that fails for an event of the product's own that is not as documented."""
    emitter = Path(sys._getframe(2).f_code.co_filename)
    if emitter.is_relative_to(APPS):
        stored = json.loads(json.dumps(event.data))
        found = list(differences(CATALOGUE[event.type], stored))
        assert found == [], f"{event.type} is not as apps/webhooks/catalogue.py says: {found}"


def differences(entry: Entry, data: dict[str, Any]) -> Iterator[str]:
    """How `data` differs from what the entry promises."""
    if entry.when == NOT_YET:
        yield "it is said not to be emitted yet"
    for name in entry.data.keys() - data.keys() - entry.optional:
        yield f"{name} is missing"
    for name in data.keys() - entry.data.keys():
        yield f"{name} is not documented"
    for name in entry.data.keys() & data.keys():
        if not _is_alike(entry.data[name], data[name], name in entry.nullable):
            yield f"{name} is {data[name]!r}, not like {entry.data[name]!r}"


def _is_alike(example: Any, value: Any, is_nullable: bool) -> bool:
    return (value is None and is_nullable) or _kind(value) == _kind(example)


def _kind(value: Any) -> str:
    """What JSON calls it, or the Python type where JSON has no name for it."""
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)
