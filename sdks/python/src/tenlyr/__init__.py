"""Tenlyr for Python: `Tenlyr` is async, `TenlyrSync` its twin."""

from tenlyr import _enums, _types, _types_alerts, _types_dataplane, _types_platform, webhooks
from tenlyr._answers import Answer, Listing
from tenlyr._buffer import TrackBuffer
from tenlyr._buffer_sync import TrackBufferSync
from tenlyr._calls import NOT_GIVEN, NotGiven, RequestInfo, ResponseInfo, RetryInfo
from tenlyr._client import Tenlyr
from tenlyr._enums import *
from tenlyr._errors import (
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    MigrationFailedError,
    NotFoundError,
    PermissionDeniedError,
    PermissionError,
    PlanLimitExceededError,
    RateLimitError,
    TenlyrError,
    TenlyrNetworkError,
    TenlyrNotImplementedError,
    TenlyrTimeoutError,
    WebhookVerificationError,
)
from tenlyr._inputs import TrackEvent
from tenlyr._keys import is_well_formed
from tenlyr._sync._client import TenlyrSync
from tenlyr._types import *
from tenlyr._types_alerts import *
from tenlyr._types_dataplane import *
from tenlyr._types_platform import *
from tenlyr._version import __version__

__all__ = [
    "Tenlyr",
    "TenlyrSync",
    "Answer",
    "Listing",
    "NOT_GIVEN",
    "NotGiven",
    "RequestInfo",
    "ResponseInfo",
    "RetryInfo",
    "TrackBuffer",
    "TrackBufferSync",
    "TrackEvent",
    "is_well_formed",
    "webhooks",
    "TenlyrError",
    "AuthenticationError",
    "PermissionDeniedError",
    "PermissionError",
    "NotFoundError",
    "ConflictError",
    "InvalidRequestError",
    "RateLimitError",
    "PlanLimitExceededError",
    "TenlyrNotImplementedError",
    "TenlyrTimeoutError",
    "TenlyrNetworkError",
    "MigrationFailedError",
    "WebhookVerificationError",
    "__version__",
]
__all__ += _enums.__all__
__all__ += _types.__all__
__all__ += _types_alerts.__all__
__all__ += _types_platform.__all__
__all__ += _types_dataplane.__all__
