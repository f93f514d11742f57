"""Calls before they are sent, and answers once they came: everything about them but the I/O."""

import json
import random
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar, Union
from urllib.parse import quote, urlencode

from tenlyr._answers import NOTHING, to_wire
from tenlyr._errors import TenlyrError
from tenlyr._keys import checked
from tenlyr._version import __version__

BASE_URL = "https://api.tenlyr.app"
PREFIX = "/api/v1"
IDEMPOTENCY_KEY = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
T = TypeVar("T")


class NotGiven:
    """The type of `NOT_GIVEN`."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()
"""An argument that is left out of the call: None is sent as null."""

Maybe = Union[T, NotGiven]
When = Union[datetime, str]
"""A moment: a `datetime` with a time zone, or ISO 8601 text."""


@dataclass(frozen=True)
class RequestInfo:
    """A try that is about to be sent; `attempt` counts from 1."""

    method: str
    url: str
    attempt: int


@dataclass(frozen=True)
class ResponseInfo:
    """A try that was answered, after `duration_ms` milliseconds."""

    method: str
    url: str
    attempt: int
    status: int
    duration_ms: float
    request_id: Optional[str]


@dataclass(frozen=True)
class RetryInfo:
    """A try that failed and is followed by another one after `wait_ms` milliseconds.

    `reason` is the status, such as `503`, or `network`.
    """

    method: str
    url: str
    attempt: int
    wait_ms: float
    reason: str


@dataclass(frozen=True)
class Options:
    """How a client works; times are in seconds. What each means stands at `Tenlyr`."""

    api_key: Optional[str] = field(repr=False)
    base_url: str = BASE_URL
    timeout: float = 10.0
    retries: int = 3
    retry_delay: float = 0.2
    random: Callable[[], float] = random.random
    on_request: Optional[Callable[[RequestInfo], None]] = None
    on_response: Optional[Callable[[ResponseInfo], None]] = None
    on_retry: Optional[Callable[[RetryInfo], None]] = None

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url begins with http:// or https://")
        if self.timeout <= 0 or self.retries < 0 or self.retry_delay < 0:
            raise ValueError("timeout is above 0; retries and retry_delay are not below it")


@dataclass(frozen=True)
class Call:
    """One call as a method describes it. `key` None means the client's own."""

    method: str
    path: str
    key: Optional[str] = None
    query: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    body: Any = NOT_GIVEN
    idempotency_key: Optional[str] = None


@dataclass(frozen=True)
class Prepared:
    """One call as every try of it goes out."""

    method: str
    url: str
    headers: Dict[str, str] = field(repr=False)
    content: Optional[bytes] = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """What came back, whole. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def request_id(self) -> Optional[str]:
        """What the server calls this request."""
        return self.headers.get("x-request-id")


def path(template: str, *values: object) -> str:
    """A path with its values, each percent-encoded whole.

    ValueError for one that would name something else: an empty one, or dots.
    """
    texts = [str(value) for value in values]
    for text in texts:
        if text in ("", ".", ".."):
            raise ValueError(f"{text!r} cannot stand in {template}")
    return template.format(*(quote(text, safe="") for text in texts))


def given(values: Mapping[str, Any]) -> Dict[str, Any]:
    """What was given, as the wire has it."""
    return {name: to_wire(one) for name, one in values.items() if one is not NOT_GIVEN}


def prepare(call: Call, options: Options) -> Prepared:
    """What goes out. AuthenticationError when the key cannot be one."""
    headers = {
        "Authorization": f"Bearer {checked(options.api_key if call.key is None else call.key)}",
        "User-Agent": f"tenlyr-sdk/{__version__}",
        "Accept": "application/json",
    }
    if call.method == "POST":
        headers["Idempotency-Key"] = _checked_idempotency_key(call.idempotency_key)
    content = None
    if call.body is not NOT_GIVEN:
        headers["Content-Type"] = "application/json"
        content = encoded(call.body)
    return Prepared(call.method, _url(call, options), headers, content)


def is_idempotency_key(key: str) -> bool:
    """Whether a header can carry it as it is: a blank at either end would be lost on the way."""
    return IDEMPOTENCY_KEY.fullmatch(key) is not None


def _checked_idempotency_key(key: Optional[str]) -> str:
    """The caller's key, or a new one; TenlyrError (400, `invalid_idempotency_key`)."""
    if key is None:
        return str(uuid.uuid4())
    if not is_idempotency_key(key):
        raise TenlyrError(
            "An idempotency key is 1 to 255 printable ASCII characters; nothing was sent.",
            status_code=400,
            code="invalid_idempotency_key",
        )
    return key


def encoded(body: Any) -> bytes:
    """A body as JSON. ValueError or TypeError when it cannot be, a NaN for one."""
    return json.dumps(to_wire(body), ensure_ascii=False, allow_nan=False).encode()


def _url(call: Call, options: Options) -> str:
    url = options.base_url.rstrip("/") + PREFIX + call.path
    query = {name: _text(one) for name, one in given(call.query).items() if one is not None}
    return f"{url}?{urlencode(query)}" if query else url


def _text(value: Any) -> str:
    """A value in a query; JSON's words for truth."""
    return str(value).lower() if isinstance(value, bool) else str(value)
