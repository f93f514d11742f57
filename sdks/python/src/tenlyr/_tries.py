"""What a try came to, whether another one follows, and after which wait."""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Optional, Union

from tenlyr import _errors
from tenlyr._calls import Options, Prepared, Reply, RequestInfo, ResponseInfo, RetryInfo

LONGEST_WAIT_S = 30.0
LONGEST_ASKED_S = 60.0
SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Failure:
    """A try that came to an error; `reply` is None when no whole one came."""

    error: _errors.TenlyrError
    reply: Optional[Reply] = None


def outcome(reply: Reply) -> Union[Reply, Failure]:
    """What a whole reply means; whatever is not 2xx is an error."""
    if 200 <= reply.status < 300:
        return reply
    error = _errors.of_answer(reply.status, parsed_or_text(reply), reply.request_id)
    if isinstance(error, _errors.RateLimitError):
        error.retry_after = asked_wait_s(reply)
    return Failure(error, reply)


def next_wait_s(failed: Failure, attempt: int, options: Options) -> Optional[float]:
    """Seconds to wait before the next try; None when this was the last one."""
    if attempt > options.retries or not _may_be_tried_again(failed):
        return None
    asked = asked_wait_s(failed.reply) if failed.reply else None
    if asked is not None:
        return asked if asked <= LONGEST_ASKED_S else None
    longest = min(options.retry_delay * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
    return options.random() * longest


def _may_be_tried_again(failed: Failure) -> bool:
    if failed.reply is None:
        return isinstance(failed.error, _errors.TenlyrNetworkError)
    status = failed.reply.status
    return status == 429 or (status >= 500 and status != 501)


def asked_wait_s(reply: Reply) -> Optional[float]:
    """The wait that `Retry-After` asks for, by seconds or by a date; None when it says nothing."""
    text = reply.headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return float(max(0, math.ceil((at - datetime.now(timezone.utc)).total_seconds())))


def parsed(reply: Reply) -> Any:
    """The reply's JSON; TenlyrError when it is none."""
    try:
        return json.loads(reply.content)
    except ValueError as error:
        raise unreadable(reply) from error


def parsed_or_text(reply: Reply) -> Any:
    """The reply's JSON, or its text when it is none."""
    try:
        return json.loads(reply.content)
    except ValueError:
        return reply.content.decode("utf-8", "replace")


def unreadable(reply: Reply) -> _errors.TenlyrError:
    """A success whose body is not what the API answers: another server, or something between."""
    return _errors.TenlyrError(
        f"The server answered {reply.status} with a body that is not the API's.",
        status_code=reply.status,
        code="invalid_response",
        body=reply.content.decode("utf-8", "replace"),
        request_id=reply.request_id,
    )


def tell_request(options: Options, sent: Prepared, attempt: int) -> None:
    """Call the hook before a try."""
    if options.on_request:
        options.on_request(RequestInfo(sent.method, sent.url, attempt))


def tell_response(
    options: Options, sent: Prepared, attempt: int, reply: Reply, took_s: float
) -> None:
    """Call the hook after an answer."""
    if options.on_response:
        about = (sent.method, sent.url, attempt, reply.status, took_s * 1000, reply.request_id)
        options.on_response(ResponseInfo(*about))


def tell_retry(
    options: Options, sent: Prepared, attempt: int, wait_s: float, failed: Failure
) -> None:
    """Call the hook before the wait."""
    if options.on_retry:
        reason = "network" if failed.reply is None else str(failed.reply.status)
        options.on_retry(RetryInfo(sent.method, sent.url, attempt, wait_s * 1000, reason))
