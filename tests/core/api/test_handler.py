"""One error body for every layer, and nothing in it that is not meant for the caller (A8, X62)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cast import Answer, Api
from tests.core.api.probes import FAILURES, SECRET_DETAIL

pytestmark = pytest.mark.usefixtures("probes")

Lines = Callable[[], list[dict[str, Any]]]
EXPECTED = {
    "ours": (409, "conflict"),
    "parse": (400, "malformed_json"),
    "not-authenticated": (401, "invalid_key"),
    "drf-denied": (403, "insufficient_scope"),
    "django-denied": (403, "forbidden"),
    "drf-not-found": (404, "not_found"),
    "http404": (404, "not_found"),
    "too-big": (413, "body_too_large"),
    "media-type": (415, "unsupported_media_type"),
    "interface": (503, "unavailable"),
    "pool": (503, "unavailable"),
    "redis": (503, "unavailable"),
    "redis-away": (503, "unavailable"),
    "postgres-away": (503, "unavailable"),
    "too-slow": (503, "unavailable"),
    "integrity": (500, "internal_error"),
    "bad-sql": (500, "internal_error"),
    "bug": (500, "internal_error"),
}


def assert_shape(answer: Answer, status: int, code: str) -> None:
    """The body of an error, whole."""
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.body["statusCode"] == status
    assert answer.body["requestId"] == answer.headers["X-Request-Id"]
    assert answer.body["message"] == answer.body["detail"] != ""
    assert set(answer.body) - {"retryAfter"} == {
        "message",
        "error",
        "statusCode",
        "code",
        "detail",
        "requestId",
    }
    text = str(answer.body)
    assert SECRET_DETAIL not in text
    assert SECRET_DETAIL.replace("-", "_") not in text


def test_every_failure_has_an_expectation() -> None:
    assert set(EXPECTED) == set(FAILURES)


@pytest.mark.parametrize("kind", EXPECTED)
def test_rest_views_answer_in_our_shape(api: Api, kind: str) -> None:
    assert_shape(api.get(f"/api/fail/{kind}"), *EXPECTED[kind])


@pytest.mark.parametrize("kind", ["ours", "django-denied", "http404", "too-big"])
def test_plain_views_answer_in_our_shape(api: Api, kind: str) -> None:
    assert_shape(api.get(f"/plain-fail/{kind}"), *EXPECTED[kind])


def test_a_bug_outside_rest_framework_is_a_500_in_our_shape(api: Api) -> None:
    api._client.raise_request_exception = False
    assert_shape(api.get("/plain-fail/bug"), 500, "internal_error")


def test_a_path_on_no_map_is_a_404_in_our_shape(api: Api) -> None:
    assert_shape(api.get("/api/no/such/path"), 404, "not_found")


def test_the_unforeseen_is_logged_with_its_cause(api: Api, logged: Lines) -> None:
    answer = api.get("/api/fail/bug")
    failed = [line for line in logged() if line["event"] == "request.failed"]
    assert "exc_info" in failed[0]
    refused = [line for line in logged() if line["event"] == "request.refused"]
    assert refused[0]["status"] == 500
    assert SECRET_DETAIL in refused[0]["reason"]
    assert SECRET_DETAIL not in str(answer.body)


def test_what_is_away_says_when_to_come_back(api: Api) -> None:
    answer = api.get("/api/fail/redis-away")
    assert answer.headers["Retry-After"] == "1"
    assert answer.body["retryAfter"] == 1


def test_a_401_names_the_scheme(api: Api) -> None:
    answer = api.get("/api/fail/not-authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
