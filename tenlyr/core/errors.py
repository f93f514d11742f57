"""Every error a caller can meet: status, code and public text in one place (A8, D1-D10, X62).

The public message and the internal detail are never the same string: `internal` goes to the log
only.
"""

from http import HTTPStatus
from typing import Any, ClassVar


class ApiError(Exception):
    """Base of all answers that are not 2xx."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    message: ClassVar[str] = "Something went wrong on our side."
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str | None = None, *, internal: str = "", **details: Any) -> None:
        self.public = message or self.message
        self.internal = internal
        self.details = details
        super().__init__(f"{self.code}: {internal or self.public}")

    def extra_headers(self) -> dict[str, str]:
        """Headers of the answer beside the usual ones."""
        retry = self.details.get("retry_after")
        return {**self.headers, "Retry-After": str(retry)} if retry else dict(self.headers)

    def body(self, request_id: str) -> dict[str, Any]:
        """The error body, in Python's casing; `detail` repeats the message for older clients
        (X17).
        """
        return {
            "message": self.public,
            "error": HTTPStatus(self.status).phrase,
            "status_code": self.status,
            "code": self.code,
            "detail": self.public,
            "request_id": request_id,
            **self.details,
        }


# ---- 400: the request cannot be read, or a rule refuses it
class Refused(ApiError):
    """A rule of the product refuses the act in the present state."""

    status, code, message = 400, "refused", "The request was refused."


class MalformedBody(Refused):
    code, message = "malformed_json", "The request body is not valid JSON."


class InvalidCursor(Refused):
    code, message = "invalid_cursor", "The cursor is not one that this list gave."


class InvalidIdempotencyKey(Refused):
    code = "invalid_idempotency_key"
    message = "Idempotency-Key must be 1 to 255 printable ASCII characters."


class PlanLimitExceeded(Refused):
    """A metric's limit would be passed (A18, X2). Details: metric, limit, current, reset_at."""

    code, message = "plan_limit_exceeded", "The plan's limit for this metric is reached."


# ---- 401: who are you?
class AuthenticationFailed(ApiError):
    status, code, message = 401, "invalid_key", "The API key is missing or not valid."
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class KeyRevoked(AuthenticationFailed):
    code, message = "key_revoked", "The API key was revoked."


class TenantSuspended(AuthenticationFailed):
    code, message = "tenant_suspended", "The tenant is suspended."


class TenantTerminated(AuthenticationFailed):
    code, message = "tenant_terminated", "The tenant is terminated."


class TenantPending(AuthenticationFailed):
    code, message = "tenant_pending", "The tenant is not active yet."


# ---- 403 to 415
class Forbidden(ApiError):
    status, code, message = 403, "forbidden", "This is not allowed."


class InsufficientScope(Forbidden):
    code, message = "insufficient_scope", "The API key's scope does not cover this endpoint."


class CrossTenantViolation(Forbidden):
    code = "cross_tenant_violation"
    message = "X-Tenant-ID names a tenant that this key does not cover."


class NotFound(ApiError):
    status, code, message = 404, "not_found", "Not found."


class MethodNotAllowed(ApiError):
    status, code, message = 405, "method_not_allowed", "The method is not allowed here."


class Conflict(ApiError):
    status, code, message = 409, "conflict", "The request conflicts with what is there."


class IdempotencyMismatch(Conflict):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another request."


class IdempotencyInProgress(Conflict):
    code, message = "idempotency_in_progress", "A request with this Idempotency-Key is running."


class SecretExpired(Conflict):
    code = "secret_expired"
    message = "It was done, but its secret is shown for 10 minutes only: rotate it."


class BodyTooLarge(ApiError):
    status, code, message = 413, "body_too_large", "The request body is too large."


class UnsupportedMediaType(ApiError):
    status, code, message = 415, "unsupported_media_type", "Send JSON: application/json in UTF-8."


# ---- 422: fields
class InvalidRequest(ApiError):
    """Fields are missing, wrong or unknown (X1); `errors` lists field, code and message of each."""

    status, code, message = 422, "invalid_request", "The request is not valid."

    def __init__(self, errors: list[dict[str, str]]) -> None:
        first = errors[0] if errors else {"field": "", "message": self.message}
        text = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
        super().__init__(text, errors=errors)


def invalid(field: str, code: str, message: str) -> InvalidRequest:
    """One wrong field."""
    return InvalidRequest([{"field": field, "code": code, "message": message}])


class UrlNotAllowed(ApiError):
    """A URL that requests of ours may not go to (T33, B20, B21); the message says why."""

    status, code, message = 422, "url_not_allowed", "The URL is not allowed."


# ---- 429 and above
def rate_limit_headers(limit: int, remaining: int, reset_s: int) -> dict[str, str]:
    """Calls a minute, how many are left, and seconds until more are (X41)."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(reset_s),
    }


class RateLimited(ApiError):
    """Too many requests; details: retry_after, whole seconds (D6), and limit, calls a minute, of
    a limit that is counted so (X41).
    """

    status, code, message = 429, "rate_limited", "Too many requests."

    def extra_headers(self) -> dict[str, str]:
        headers = super().extra_headers()
        limit, wait_s = self.details.get("limit"), self.details.get("retry_after")
        if limit is None or wait_s is None:
            return headers
        return {**headers, **rate_limit_headers(limit, 0, wait_s)}


class NotImplementedYet(ApiError):
    status, code, message = (
        501,
        "not_implemented",
        "This feature is not in this version of the API.",
    )


class Unavailable(ApiError):
    """A part that the answer needs is away; nothing was done, try again."""

    status, code = 503, "unavailable"
    message = "The service cannot answer right now. Try again."

    def __init__(self, message: str | None = None, *, internal: str = "", **details: Any) -> None:
        super().__init__(message, internal=internal, **{"retry_after": 1, **details})
