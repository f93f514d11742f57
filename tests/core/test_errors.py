"""Errors: status, code and body of everything that is not 2xx (A8, D1-D10, X1, X2, X17, X62)."""

from http import HTTPStatus

import pytest

from tenlyr.core import errors
from tenlyr.core.errors import ApiError

# X62 and 1.D: what a client may rely on. A new error of the kernel must be entered here.
CONTRACT = {
    "internal_error": 500,
    "refused": 400,
    "malformed_json": 400,
    "invalid_cursor": 400,
    "invalid_idempotency_key": 400,
    "plan_limit_exceeded": 400,
    "invalid_key": 401,
    "key_revoked": 401,
    "tenant_suspended": 401,
    "tenant_terminated": 401,
    "tenant_pending": 401,
    "forbidden": 403,
    "insufficient_scope": 403,
    "cross_tenant_violation": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "idempotency_key_reused": 409,
    "idempotency_in_progress": 409,
    "secret_expired": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "url_not_allowed": 422,
    "rate_limited": 429,
    "not_implemented": 501,
    "unavailable": 503,
}


def kernel_errors(base: type[ApiError] = ApiError) -> list[type[ApiError]]:
    """`base` and all below it that the kernel defines."""
    found = [base]
    for child in base.__subclasses__():
        found += kernel_errors(child)
    return [one for one in found if one.__module__ == errors.__name__]


def test_every_error_stands_in_the_contract_with_its_status() -> None:
    assert {one.code: one.status for one in kernel_errors()} == CONTRACT


@pytest.mark.parametrize("kind", kernel_errors(), ids=lambda kind: kind.__name__)
def test_the_body_has_one_shape(kind: type[ApiError]) -> None:
    error = kind([]) if issubclass(kind, errors.InvalidRequest) else kind()
    body = error.body("req-1")
    assert body["message"] == body["detail"] == error.public != ""
    assert body["error"] == HTTPStatus(error.status).phrase
    assert (body["status_code"], body["code"], body["request_id"]) == (
        kind.status,
        kind.code,
        "req-1",
    )


def test_what_is_internal_never_enters_the_body() -> None:
    error = errors.NotFound(internal="row 17 of tenants_tenant")
    assert "row 17" not in str(error.body("r"))
    assert "row 17" in str(error)


def test_a_401_names_the_scheme_and_a_503_says_when() -> None:
    assert errors.TenantSuspended().extra_headers() == {"WWW-Authenticate": "Bearer"}
    assert errors.Unavailable().extra_headers() == {"Retry-After": "1"}
    assert errors.Unavailable(retry_after=7).extra_headers() == {"Retry-After": "7"}
    assert errors.RateLimited(retry_after=60).extra_headers() == {"Retry-After": "60"}
    assert errors.NotFound().extra_headers() == {}


def test_details_stand_beside_the_three_fields() -> None:
    body = errors.PlanLimitExceeded(metric="api_call", limit=1000, current=1000).body("r")
    assert (body["metric"], body["limit"], body["current"]) == ("api_call", 1000, 1000)


def test_wrong_fields_are_listed_and_the_first_is_the_message() -> None:
    error = errors.invalid("ownerEmail", "required", "This field is required.")
    assert error.public == "ownerEmail: This field is required."
    assert error.details["errors"] == [
        {"field": "ownerEmail", "code": "required", "message": "This field is required."}
    ]
    assert errors.invalid("", "not_an_object", "Must be a JSON object.").public == (
        "Must be a JSON object."
    )
