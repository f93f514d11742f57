"""Everything that a call can raise. All of it is a `TenlyrError`."""

import builtins
from datetime import datetime
from typing import Any, List, Mapping, Optional, Type

from tenlyr._answers import decode, moment
from tenlyr._types import FieldError
from tenlyr._types_platform import Migration


class TenlyrError(Exception):
    """The API refused a call, or it could not be made; the base of all others.

    `status_code` is None when there was no answer, `code` is the API's word for the reason
    (`email_taken`), `body` the parsed answer, or its text where it was no JSON, and `request_id`
    what to tell whoever runs the server. No message holds a key.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: Optional[int] = None,
        code: Optional[str] = None,
        body: Any = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.code = code
        self.body = body
        self.request_id = request_id

    @property
    def _said(self) -> Mapping[str, Any]:
        """The body's fields; none where it is no object."""
        return self.body if isinstance(self.body, dict) else {}


class AuthenticationError(TenlyrError):
    """401: the key is missing, malformed (then nothing was sent), unknown or revoked."""


class PermissionDeniedError(TenlyrError, builtins.PermissionError):
    """403: the key is good, but not for this. It is a builtin `PermissionError`, too."""

    def __str__(self) -> str:
        return self.message


class NotFoundError(TenlyrError):
    """404: there is no such tenant, migration, alert or other thing."""


class ConflictError(TenlyrError):
    """409: it exists already (`email_taken`), or the same call is still under way."""


class InvalidRequestError(TenlyrError):
    """422: something in the request is wrong."""

    @property
    def errors(self) -> List[FieldError]:
        """What is wrong, field by field."""
        said = self._said.get("errors")
        found = said if isinstance(said, list) else []
        return [decode(FieldError, one) for one in found if isinstance(one, dict)]


class RateLimitError(TenlyrError):
    """429, and all tries are used up or the wait would be too long.

    `retry_after` is how many seconds the server asks to wait; None when it named no time.
    """

    retry_after: Optional[float] = None


class PlanLimitExceededError(TenlyrError):
    """400 `plan_limit_exceeded`: the plan's limit is reached. It is never tried again."""

    @property
    def metric(self) -> Optional[str]:
        """Which metric's limit it is."""
        return self._said.get("metric")

    @property
    def limit(self) -> Optional[float]:
        """How much the plan allows in a period."""
        return self._said.get("limit")

    @property
    def current(self) -> Optional[float]:
        """How much is used."""
        return self._said.get("current")

    @property
    def reset_at(self) -> Optional[datetime]:
        """When the period ends; None for a gauge, which does not begin anew."""
        said = self._said.get("resetAt")
        return moment(said) if isinstance(said, str) else None


class TenlyrNotImplementedError(TenlyrError):
    """501: this server does not have that yet, or it is switched off."""


class TenlyrTimeoutError(TenlyrError):
    """A try took longer than the client's `timeout`, or a wait came to its end. Not tried again."""


class TenlyrNetworkError(TenlyrError):
    """No whole answer: refused, reset, no such name, cut off. All tries are used up."""


class MigrationFailedError(TenlyrError):
    """`wait_for_migration`: the move failed or was rolled back; `migration` tells how it stands."""

    def __init__(self, message: str, migration: Migration) -> None:
        super().__init__(message, code="migration_failed")
        self.migration = migration


class WebhookVerificationError(TenlyrError):
    """A webhook that is not ours, too old or too new, or was changed on its way."""


PermissionError = PermissionDeniedError

BY_STATUS: Mapping[int, Type[TenlyrError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidRequestError,
    429: RateLimitError,
    501: TenlyrNotImplementedError,
}


def of_answer(status: int, body: Any, request_id: Optional[str]) -> TenlyrError:
    """The error that an answer means; `body` is parsed, or text where it was no JSON."""
    said = body if isinstance(body, dict) else {}
    code = said.get("code")
    kind = BY_STATUS.get(status, TenlyrError)
    if status == 400 and code == "plan_limit_exceeded":
        kind = PlanLimitExceededError
    return kind(
        str(said.get("message") or f"The server answered {status}."),
        status_code=status,
        code=code,
        body=body,
        request_id=said.get("requestId") or request_id,
    )
