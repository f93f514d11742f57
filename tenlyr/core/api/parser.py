"""REST framework's view of strict JSON (R13, B01-B04)."""

from typing import Any

from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser

from tenlyr.core import errors
from tenlyr.core.strict_json import loads


class StrictJSONParser(BaseParser):
    """JSON in UTF-8: no duplicate keys, no NaN, no lone surrogates, bounded depth and size."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        # Not Django's `encoding`: that is UTF-8 for a charset it never heard of.
        charset = parse_header_parameters(media_type or "")[1].get("charset", "utf-8")
        if charset.lower() not in {"utf-8", "utf8"}:
            raise errors.UnsupportedMediaType()
        return loads(stream.read())
