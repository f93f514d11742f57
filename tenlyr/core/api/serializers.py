"""Serializers with strict fields: wire names, no unknown field, no silent conversion (R13)."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from tenlyr.core import clock
from tenlyr.core.api import wire

# What `is_plain` refuses, spelled out for the document: its readers cannot run our code.
NOT_PLAIN = r"\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
# Bidirectional overrides turn a name around on the screen of whoever reads it.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_plain(text: str) -> bool:
    """Whether a text holds neither control characters, lone surrogates nor bidirectional
    overrides.
    """
    return not any(c in _BIDI or unicodedata.category(c) in {"Cc", "Cs"} for c in text)


def moment(text: str) -> datetime | None:
    """A moment in RFC 3339's form, in UTC; None for any other text. Years at the ends of the
    calendar are brought to where every zone has them.
    """
    if not RFC_3339.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return found.replace(year=min(max(found.year, 2), 9998)).astimezone(UTC)


class StrictCharField(serializers.CharField):
    """A JSON string: no number, no control character (B02)."""

    default_error_messages = {
        "not_a_string": "Must be a string.",
        "not_plain": "Contains a character that is not allowed.",
    }

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("not_a_string")
        if isinstance(data, str) and not is_plain(data):
            self.fail("not_plain")
        return super().run_validation(data)


class StrictEmailField(StrictCharField, serializers.EmailField):
    """An e-mail address of at most 254 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 254, **kwargs})


class StrictChoiceField(serializers.ChoiceField):
    """One of a few strings."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A JSON number without decimals: no `"12"`, no `true` (B04)."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | Decimal) or data != int(data):
            self.fail("invalid")
        return int(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON's `true` or `false`: no `"true"`, no `1` (B04)."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictMomentField(serializers.DateTimeField):
    """A moment in RFC 3339's form with its offset, as `clock.iso` writes it; read into UTC."""

    def to_internal_value(self, data: Any) -> Any:
        found = moment(data) if isinstance(data, str) else None
        if found is None:
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss[.sss]Z")
        return found


class IdField(serializers.UUIDField):
    """An id in its canonical form only, as in paths (X47)."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not CANONICAL_ID.fullmatch(data):
            self.fail("invalid", value=data)
        return UUID(data)


class MomentField(serializers.DateTimeField):
    """A moment as the wire has it, a string already: a replayed answer is alike to the letter."""

    def to_representation(self, value: Any) -> str:
        return clock.iso(value)


class WireSerializer(serializers.Serializer[Any]):
    """Fields are declared in snake_case and spoken in camelCase; an unknown one is refused."""

    def run_validation(self, data: Any = empty) -> Any:
        # An unknown field is named as it was sent; all others by their name on the wire.
        self._refuse_unknown(data)
        try:
            return super().run_validation(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(wire.camel_keys(error.detail)) from error

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            detail = ErrorDetail("Must be a JSON object.", code="not_an_object")
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [detail]})
        names = self._names()
        return super().to_internal_value({names[name]: value for name, value in data.items()})

    def to_representation(self, instance: Any) -> Any:
        shown = super().to_representation(instance)
        return {wire.camel(name): value for name, value in shown.items()}

    def _names(self) -> dict[str, str]:
        """Wire name -> Python name of each field that may be sent."""
        return {
            wire.camel(name): name for name, field in self.fields.items() if not field.read_only
        }

    def _refuse_unknown(self, data: Any) -> None:
        known = self._names()
        unknown = [name for name in data if name not in known] if isinstance(data, Mapping) else []
        if unknown:
            detail = ErrorDetail("Unknown field.", code="unknown_field")
            raise serializers.ValidationError({name[:100]: [detail] for name in unknown[:20]})


class NoFieldsSerializer(WireSerializer):
    """A body that has no fields; it may be left out."""
