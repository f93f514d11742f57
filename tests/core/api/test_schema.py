"""OpenAPI's ground: wire names, our errors, both keys, no field beyond those named."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tenlyr.core.api import schema
from tenlyr.core.api.schema import ErrorShape, FieldErrorShape


@pytest.fixture(scope="module")
def document() -> Any:
    """The product's own OpenAPI document."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def test_error_answers_are_documented_as_they_are(document: Any) -> None:
    shape = document["components"]["schemas"]["ErrorShape"]["properties"]
    assert {"statusCode", "requestId", "message", "error", "code", "detail"} <= set(shape)
    assert set(ErrorShape().fields) == {
        "message",
        "error",
        "status_code",
        "code",
        "detail",
        "request_id",
        "errors",
    }
    assert set(FieldErrorShape().fields) == {"field", "code", "message"}


def test_both_ways_to_send_a_key_are_there(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["apiKey"]["name"]) == ("bearer", "X-API-Key")


def test_a_request_may_hold_no_field_beyond_those_named(document: Any) -> None:
    requests = {
        name: one
        for name, one in document["components"]["schemas"].items()
        if name.endswith("Request") and one.get("type") == "object"
    }
    assert requests
    assert all(one["additionalProperties"] is False for one in requests.values())


def test_no_name_on_the_wire_has_an_underscore(document: Any) -> None:
    for name, one in document["components"]["schemas"].items():
        assert not [field for field in one.get("properties", {}) if "_" in field], name


def test_a_text_that_may_be_empty_has_one_shape(document: Any) -> None:
    """By `oneOf` an empty one that fits two shapes would be refused."""
    schemas = document["components"]["schemas"]
    for name in ("CreateEndpointRequest", "UpdateEndpointRequest"):
        shape = schemas[name]["properties"]["description"]
        assert (shape["type"], shape["maxLength"], "oneOf" in shape) == ("string", 200, False)
        assert re.search(shape["pattern"], "")
    assert schemas["CreateEndpointRequest"]["properties"]["description"]["default"] == ""
    assert not [one for one in _written(document) if {"type": "string", "maxLength": 0} in one]


def _written(node: Any) -> Iterator[list[Any]]:
    """Every list of alternatives of a document."""
    if isinstance(node, dict):
        yield from (node[kind] for kind in ("oneOf", "anyOf") if kind in node)
    for inner in node.values() if isinstance(node, dict) else node:
        if isinstance(inner, dict | list):
            yield from _written(inner)


def test_names_are_changed_in_place_and_required_follows() -> None:
    result: dict[str, Any] = {
        "components": {
            "schemas": {
                "MakeRequest": {
                    "type": "object",
                    "properties": {"owner_email": {}, "name": {}},
                    "required": ["owner_email", "name"],
                },
                "Made": {"type": "object", "properties": {"api_key": {}}},
            }
        }
    }
    schemas = schema.camelize(result, None, None, True)["components"]["schemas"]
    assert schemas["MakeRequest"] == {
        "type": "object",
        "properties": {"ownerEmail": {}, "name": {}},
        "required": ["name", "ownerEmail"],
        "additionalProperties": False,
    }
    assert schemas["Made"] == {"type": "object", "properties": {"apiKey": {}}}
