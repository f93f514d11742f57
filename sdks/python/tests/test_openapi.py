"""The answers are those of `openapi.json`, field by field and word by word."""

import dataclasses
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from replaying import METHODS

import tenlyr
from tenlyr import _enums
from tenlyr._answers import camel

DOCUMENT = json.loads((Path(__file__).parents[3] / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
BY_NAME = {"ErrorShape": None, "FieldErrorShape": tenlyr.FieldError}


def named_in(value: Any) -> set[str]:
    """The schemas that a part of the document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"].rsplit("/", 1)[-1]} if "$ref" in value else set()
        return own.union(*map(named_in, value.values()))
    return set().union(*map(named_in, value)) if isinstance(value, list) else set()


def answers() -> list[str]:
    """The schemas of answers, and those within them."""
    operations = [one for methods in DOCUMENT["paths"].values() for one in methods.values()]
    found = set().union(*(named_in(one.get("responses", {})) for one in operations))
    while True:
        more = found.union(*(named_in(SCHEMAS[name]) for name in found))
        if more == found:
            break
        found = more
    return sorted(name for name in found if SCHEMAS[name].get("properties"))


@pytest.mark.parametrize("name", [one for one in answers() if one != "ErrorShape"])
def test_fields(name: str) -> None:
    kind: Any = BY_NAME.get(name) or getattr(tenlyr, name)
    ours = {camel(field.name) for field in dataclasses.fields(kind)}
    assert ours == set(SCHEMAS[name]["properties"])


def test_words() -> None:
    """Every list of words of an answer's field is one of ours."""
    ours = {frozenset(get_args(getattr(_enums, name))) for name in _enums.__all__}
    theirs = {
        (name, field): frozenset(schema["enum"])
        for name in answers()
        for field, schema in SCHEMAS[name]["properties"].items()
        if "enum" in schema
    }
    assert {where for where, words in theirs.items() if words not in ours} == set()


def test_no_operation_without_a_method() -> None:
    operations = [one for methods in DOCUMENT["paths"].values() for one in methods.values()]
    named = {one["operationId"] for one in operations if "operationId" in one}
    assert named - set(METHODS) <= {"tenants.setPlan"}  # PUT does what PATCH does
