"""Answers of the API: frozen dataclasses made from JSON, and JSON made from them again."""

import dataclasses
import re
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import (
    Any,
    Dict,
    Generic,
    Iterable,
    List,
    Mapping,
    Optional,
    Protocol,
    Type,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Answer:
    """What the API answered.

    `extra` has the fields that this version of the package does not know, by their wire names. A
    field that the server left out is None, whatever its type says.
    """

    extra: Mapping[str, Any] = NOTHING

    def to_dict(self) -> Dict[str, Any]:
        """The answer as JSON has it: wire names, moments as ISO 8601 text, `extra` included."""
        known = {
            camel(field.name): to_wire(getattr(self, field.name))
            for field in dataclasses.fields(cast(Any, self))
        }
        return {**known, **self.extra}


class Listing(List[T], Generic[T]):
    """A page that the API answers as an array; `next_cursor` is None on the last one."""

    def __init__(self, items: Iterable[T] = (), next_cursor: Optional[str] = None) -> None:
        super().__init__(items)
        self.next_cursor = next_cursor

    @property
    def data(self) -> List[T]:
        """The items, as the pages have them that come in an envelope."""
        return self


class Paged(Protocol[T_co]):
    """A page of either kind."""

    @property
    def data(self) -> "Iterable[T_co]": ...

    @property
    def next_cursor(self) -> Optional[str]: ...


def camel(name: str) -> str:
    """A name of ours as the wire has it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def decode(kind: Type[T], value: Any) -> T:
    """An answer of a kind from parsed JSON; TypeError when it is something else altogether."""
    made = _convert(kind, value)
    if not isinstance(made, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return made


def to_wire(value: Any) -> Any:
    """A value as `json.dumps` takes it."""
    if isinstance(value, Answer):
        return value.to_dict()
    if isinstance(value, datetime):
        text = value.isoformat(
            timespec="microseconds" if value.microsecond % 1000 else "milliseconds"
        )
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): to_wire(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(one) for one in value]
    return value


def moment(text: str) -> datetime:
    """A moment from ISO 8601 text; ValueError when it is none. Python 3.9 knows neither `Z` nor
    fractions of other than three or six digits."""
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", text)
    if not match:
        raise ValueError(f"no moment: {text}")
    fraction = (match[2] or "0").ljust(6, "0")[:6]
    zone = (match[3] or "").replace("Z", "+00:00")
    return datetime.fromisoformat(f"{match[1]}.{fraction}{zone}")


@cache
def _hints(kind: Any) -> Dict[str, Any]:
    """The fields of a kind of answer with their types."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _convert(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if hint is datetime:
        return _moment_or_text(value)
    origin = get_origin(hint)
    if origin is Union:
        return _convert(get_args(hint)[0], value)
    if origin is list and isinstance(value, list):
        return [_convert(get_args(hint)[0], one) for one in value]
    if isinstance(value, dict):
        return _convert_object(hint, value)
    return value


def _convert_object(hint: Any, value: Dict[str, Any]) -> Any:
    if get_origin(hint) is dict:
        return {name: _convert(get_args(hint)[1], one) for name, one in value.items()}
    if isinstance(hint, type) and issubclass(hint, Answer):
        return _build(hint, value)
    return value


def _build(kind: Type[Answer], value: Dict[str, Any]) -> Answer:
    rest = dict(value)
    fields = {
        name: _convert(hint, rest.pop(camel(name), None))
        for name, hint in _hints(cast(Any, kind)).items()
    }
    made = kind(**fields)
    object.__setattr__(made, "extra", MappingProxyType(rest) if rest else NOTHING)
    return made


def _moment_or_text(value: Any) -> Any:
    """A server that writes moments otherwise costs the type, not the call."""
    try:
        return moment(value)
    except (TypeError, ValueError):
        return value
