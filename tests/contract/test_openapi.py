"""`openapi.json` is what the code says, and what the product serves (Done 8)."""

import io
import json
import re
from typing import Any

import pytest
from django.core.management import call_command

from tenlyr.core.api import wire
from tests.cast import Api
from tests.house.routes import OPERATIONS
from tests.house.sources import ROOT

PLACE = re.compile(r"\{(\w+)\}")
COMMITTED = ROOT / "openapi.json"


@pytest.fixture(scope="module")
def document() -> Any:
    """The document in the repository."""
    return json.loads(COMMITTED.read_text())


def test_it_is_current_and_valid(tmp_path: Any) -> None:
    written = tmp_path / "openapi.json"
    call_command(
        "spectacular",
        *("--format", "openapi-json", "--file", str(written)),
        *("--validate", "--fail-on-warn"),
        stdout=io.StringIO(),
    )
    assert written.read_text() == COMMITTED.read_text(), "run `make openapi`"


def test_it_is_served_as_json(api: Api, document: Any) -> None:
    answer = api.get("/openapi.json")
    assert answer.status == 200
    assert "json" in answer.headers["Content-Type"]
    assert answer.body["paths"] == document["paths"]
    assert answer.body["components"] == document["components"]


def test_people_can_read_it(api: Api) -> None:
    page = api.get("/docs")
    assert page.status == 200
    assert b"swagger" in page.body.lower()


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
def test_nothing_else_is_asked_of_the_page(api: Api, method: str) -> None:
    answer = api.call(method, "/docs")
    assert (answer.status, answer.body["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_every_operation_of_the_map_is_in_it_and_no_other(document: Any) -> None:
    written = {
        (method.upper(), PLACE.sub(lambda found: f"{{{wire.snake(found[1])}}}", path))
        for path, item in document["paths"].items()
        for method in item
    }
    assert written == {(one.method, one.path) for one in OPERATIONS}


def test_operation_ids_are_the_sdks_method_paths(document: Any) -> None:
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(ids) == len(set(ids))
    areas = {"alerts", "billing", "dataplane", "health", "isolation", "ratelimit", "tenants"}
    areas |= {"usage", "webhooks"}
    assert {one.split(".")[0] for one in ids} == areas


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_every_operation_says_how_it_refuses(document: Any, operation: Any) -> None:
    path = PLACE.sub(lambda found: f"{{{wire.camel(found[1])}}}", operation.path)
    answers = document["paths"][path][operation.method.lower()]["responses"]
    refusals = {"400", "401", "403", "422", "429", "503"}
    if operation.has_body and operation.method != "DELETE":
        refusals |= {"413", "415"}
    if operation.has_id:
        refusals |= {"404"}
    assert refusals <= set(answers)
    for status in refusals:
        shape = answers[status]["content"]["application/json"]["schema"]
        assert shape == {"$ref": "#/components/schemas/ErrorShape"}
