"""The one place where Python's snake_case becomes the wire's camelCase, and back."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from rest_framework import renderers
from rest_framework.negotiation import BaseContentNegotiation

from tenlyr.core import clock

_UNDERSCORE = re.compile(r"_([a-z0-9])")
_CAPITAL = re.compile(r"([A-Z])")


def camel(name: str) -> str:
    """`owner_email` -> `ownerEmail`."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def snake(name: str) -> str:
    """`ownerEmail` -> `owner_email`."""
    return _CAPITAL.sub(lambda found: "_" + found[1].lower(), name)


def camel_keys(value: Any) -> Any:
    """The names of a dictionary (and of those in it) in the wire's casing; a list's places are
    numbers, and stay.
    """
    if isinstance(value, dict):
        return {
            camel(name) if isinstance(name, str) else name: camel_keys(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [camel_keys(inner) for inner in value]
    return value


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def _moments(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.iso(value)
    return _other(value)


def dumps(value: Any) -> bytes:
    """JSON as the wire has it: instants as ISO 8601 in UTC with milliseconds, whole numbers
    whole.
    """
    return orjson.dumps(value, default=_moments, option=orjson.OPT_PASSTHROUGH_DATETIME)


class JSONRenderer(renderers.BaseRenderer):
    """All answers are JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, *_args: Any, **_more: Any) -> bytes:
        return b"" if data is None else dumps(data)


class AlwaysJSON(BaseContentNegotiation):
    """What a client says it accepts does not change what it gets."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        return next((one for one in parsers if one.media_type == media_type), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type
