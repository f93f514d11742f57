"""From an exported row to cells that a spreadsheet shows and never runs, pure (X40, B30)."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tenlyr.core import clock

Cell = str | int | float | Decimal
# What makes a spreadsheet take a text for a formula; their full-width twins fold to the same.
STARTS_FORMULA = frozenset("=+-@\t\r\n\0\u2212")
# Which field of a row says when; the first that is there.
MOMENTS = ("timestamp", "createdAt", "at", "periodStart")


def cell(value: Any) -> Cell:
    """A value as one cell: numbers stay numbers, whatever else is text that cannot be a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, Mapping | list | tuple):
        return safe(json.dumps(value, ensure_ascii=False, default=str))
    return safe(str(value))


def safe(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would take it for a formula."""
    # Spaces before it do not stop every spreadsheet, so look behind them too.
    for start in (text[:1], text.lstrip()[:1]):
        if start and (start in STARTS_FORMULA or _folded(start) in STARTS_FORMULA):
            return f"'{text}"
    return text


def long_form(section: str, row: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """A row as lines of section, key, value and timestamp; what is null has no line.

    A measured value stands under its metric's name: `api_call`, `api_call.endpoint` and so on. The
    tenant's id is left out: the whole file is that tenant's.
    """
    moment = next((name for name in MOMENTS if row.get(name) is not None), None)
    when = cell(row[moment]) if moment else ""
    metric = str(row["metric"]) if "metric" in row and "value" in row else ""
    for key, value in _flat(row):
        if value is None or key in (moment, "tenantId") or (metric and key == "metric"):
            continue
        if metric:
            key = metric if key == "value" else f"{metric}.{key}"
        yield [section, cell(key), cell(value), when]


def _folded(letter: str) -> str:
    return unicodedata.normalize("NFKC", letter)[:1]


def _flat(row: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from _flat(value, key)
        else:
            yield key, value
