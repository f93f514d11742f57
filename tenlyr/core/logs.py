"""Structured logs on standard output: one line an event, with the request's id and without
secrets.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from tenlyr.core import context

KEY = re.compile(r"(tenlyr_(?:live|test)_(?:tf_)?)[0-9A-Za-z]{8,}")
SECRET_NAMES = re.compile(r"password|secret|authorization|api_?key|token|dsn|cookie", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST_VALUE = 2_000

EventDict = MutableMapping[str, Any]


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blank what is named like a secret, cut out what looks like a key, bound what is long (T37,
    T73).
    """
    event.update(_named(event))
    # People's format prints it as it stands: no caller's path may begin a line of its own.
    event["event"] = CONTROL.sub(lambda found: repr(found[0])[1:-1], str(event.get("event", "")))
    return event


def _named(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): "[redacted]" if SECRET_NAMES.search(str(name)) else _plain(value)
        for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    """The value without secrets, at any depth; what is no plain data is shown as its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _named(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    text = KEY.sub(r"\1[redacted]", str(value))
    half = LONGEST_VALUE // 2  # a traceback says at its end what went wrong
    return text if len(text) <= LONGEST_VALUE else f"{text[:half]}…{text[-half:]}"


def add_request(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Name the request that the line belongs to."""
    request_id = context.current().request_id
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def configure(options: dict[str, Any]) -> None:
    """Set up structlog and route the standard library's logging through it."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request,
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if options["format"] == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options["level"])
    # Every refused request has a line of ours already.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
