"""The shared conformance cases, the table of methods and the document that both must fit."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.house.sources import ROOT
from tests.sdks.vectors import CONFORMANCE

# Methods of the SDKs that are no operation of their own, each with the one that it calls.
FURTHER = {
    "tenants.health": "tenants.dashboard",
    "isolation.waitForMigration": "isolation.getMigration",
    "usage.buffer": "usage.trackBatch",
}
# Operations that the SDKs leave out, each with the reason.
LEFT_OUT = {"tenants.setPlan": "PUT beside PATCH, which tenants.changePlan calls"}


@dataclass(frozen=True)
class Case:
    """One case of a file; `file` is its name without the ending."""

    file: str
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.file}: {self.raw['name']}"

    @property
    def method(self) -> str:
        return str(self.raw["call"]["method"])

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.raw["exchanges"]
        return found

    @property
    def row(self) -> dict[str, Any]:
        """The method's line of `methods.json`."""
        name = FURTHER.get(self.method, self.method)
        return methods().get(name) or methods()[name.removesuffix("All")]


@cache
def methods() -> dict[str, dict[str, Any]]:
    """`methods.json` by method."""
    return {one["method"]: one for one in json.loads((CONFORMANCE / "methods.json").read_text())}


@cache
def document() -> dict[str, Any]:
    """`openapi.json`."""
    found: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text())
    return found


@cache
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Each operation of the document: HTTP method, path and what it says."""
    return {
        one["operationId"]: (method.upper(), path, one)
        for path, item in document()["paths"].items()
        for method, one in item.items()
    }


@cache
def cases() -> tuple[Case, ...]:
    """All cases of all files."""
    files = sorted((CONFORMANCE / "cases").glob("*.json"))
    return tuple(Case(path.stem, raw) for path in files for raw in json.loads(path.read_text()))


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    return [f"{one.json_path}: {one.message}" for one in _validator(whole).iter_errors(value)]


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def template(path: str) -> re.Pattern[str]:
    """What fits a path with places, behind any base."""
    return re.compile(r"(/[\w/-]+)?" + re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path)))


def names(row: dict[str, Any]) -> Iterator[str]:
    """Every argument of a method, by its name on the wire."""
    yield from (*row["positional"], *row["query"], *row["body"])
    yield from ("tenantKey", "key", "idempotencyKey")
    if row["method"] == "usage.trackBatch":
        yield "events"
