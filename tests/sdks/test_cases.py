"""The shared cases are well-formed: complete, and true to `openapi.json` (Done 3)."""

from typing import Any

import pytest

from tests.sdks.cases import (
    FURTHER,
    LEFT_OUT,
    Case,
    cases,
    document,
    faults,
    methods,
    names,
    operations,
    template,
)

EACH = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
FAULTS = {"refused", "reset", "truncated", "timeout"}
FIELDS = {"name", "client", "call", "exchanges", "waitsMs", "result", "error", "beyondOpenapi"}
CLIENT = {"key", "baseUrl", "retries", "retryDelayMs", "random"}
ERROR = {"class", "statusCode", "code", "retryAfter", "errors", "metric", "limit", "current"}
ERROR |= {"resetAt", "migration"}


def test_every_operation_is_a_method_and_the_reverse() -> None:
    assert set(operations()) - set(LEFT_OUT) == set(methods())
    assert set(LEFT_OUT) <= set(operations())


@pytest.mark.parametrize("row", methods().values(), ids=lambda row: row["method"])
def test_a_method_is_its_operation(row: dict[str, Any]) -> None:
    method, path, said = operations()[row["method"]]
    assert (row["http"], row["path"]) == (method, path)
    places = {one["name"]: one["in"] for one in said.get("parameters", [])}
    query = {name for name, where in places.items() if where == "query"}
    in_path = {name for name, where in places.items() if where == "path"}
    assert in_path <= set(row["positional"])
    assert query == set(row["query"]) | (set(row["positional"]) & query)
    body = _properties(said)
    assert set(row["body"]) == body - set(row["positional"])


def _properties(said: dict[str, Any]) -> set[str]:
    schema = _body_schema(said)
    name = schema.get("$ref", "").rpartition("/")[2]
    return set(document()["components"]["schemas"][name]["properties"]) if name else set()


def _body_schema(said: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    return found


def test_every_method_has_a_case() -> None:
    assert {one.method for one in cases()} >= set(methods()) | set(FURTHER)


def test_no_two_cases_have_a_name() -> None:
    found = [one.name for one in cases()]
    assert len(found) == len(set(found))


@EACH
def test_a_case_is_well_formed(case: Case) -> None:
    assert set(case.raw) <= FIELDS
    assert set(case.raw.get("client", {})) <= CLIENT
    assert ("result" in case.raw) != ("error" in case.raw)
    assert set(case.raw.get("error", {})) <= ERROR
    for one in case.exchanges:
        assert set(one) in ({"request", "response"}, {"request", "fault"})
        assert one.get("fault", "reset") in FAULTS
        body = {"body", "rawBody"} & set(one.get("response", {}))
        assert "fault" in one or len(body) == 1
    tries = len(case.exchanges)
    assert len(case.raw["waitsMs"]) <= max(0, tries - 1)


@EACH
def test_its_arguments_are_those_of_the_method(case: Case) -> None:
    own = {"pollIntervalMs", "timeoutMs"} if case.method == "isolation.waitForMigration" else set()
    given = set(case.raw["call"]["args"])
    assert given <= set(names(case.row)) | own
    assert set(case.row["required"]) <= given


@EACH
def test_its_requests_fit_the_document(case: Case) -> None:
    method, path, said = operations()[case.row["method"]]
    for one in case.exchanges:
        request = one["request"]
        assert request["method"] == method
        assert template(path).fullmatch(request["path"])
        assert set(request["query"]) <= set(case.row["query"]) | set(case.row["positional"])
        assert request["headers"]["authorization"].startswith("Bearer $")
        if "body" in request:
            assert faults(_body_schema(said), request["body"]) == []


@EACH
def test_its_answers_fit_the_document(case: Case) -> None:
    if "beyondOpenapi" in case.raw:
        assert case.raw["beyondOpenapi"]
        return
    for one in case.exchanges:
        answer = one.get("response", {})
        if "body" in answer:
            assert faults(_answer_schema(case, answer["status"]), answer["body"]) == []


def _answer_schema(case: Case, status: int) -> dict[str, Any]:
    answers = operations()[case.row["method"]][2]["responses"]
    error = {"$ref": "#/components/schemas/ErrorShape"}
    if status >= 300:
        return error
    found: dict[str, Any] = answers[str(status)]["content"]["application/json"]["schema"]
    return found
