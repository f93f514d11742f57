"""What an event may hold, for the document: finer than REST framework's fields can say it."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension

from apps.metering.api.serializers import METRICS
from apps.metering.reading import LONGEST_LATENCY_MS, LONGEST_TEXT, Mode
from tenlyr.core.api.serializers import NOT_PLAIN
from tenlyr.core.metrics import GAUGES, LARGEST_VALUE, Metric

COUNTED = [metric.value for metric in Metric if metric not in GAUGES]


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _whole(least: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": LARGEST_VALUE}


def _variant(metrics: list[str], value: dict[str, Any], modes: list[str | None]) -> dict[str, Any]:
    return {
        "properties": {
            "metric": {"type": "string", "enum": metrics},
            "value": value,
            "mode": {"type": ["string", "null"] if None in modes else "string", "enum": modes},
        }
    }


def event_schema() -> dict[str, Any]:
    """The JSON schema of one event (A17, X3, X3b, X5)."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["metric", "value"],
        "properties": _properties(),
        "oneOf": _variants(),
    }


def _properties() -> dict[str, Any]:
    return {
        "metric": {"type": "string", "enum": METRICS},
        "value": {
            "type": "number",
            "description": "Whole and at least 1; storage_gb: above 0, with 6 decimals at most."
            " With mode set also 0.",
        },
        "endpoint": _nullable(
            {"type": "string", "maxLength": LONGEST_TEXT, "pattern": f"^[^{NOT_PLAIN}]*$"}
        ),
        "statusCode": _nullable(
            {
                "type": "integer",
                "minimum": 100,
                "maximum": 599,
                "description": "From 500 on the event is stored, but not billable.",
            }
        ),
        "success": _nullable({"type": "boolean"}),
        "latencyMs": _nullable({"type": "number", "minimum": 0, "maximum": LONGEST_LATENCY_MS}),
        "timestamp": _nullable(
            {
                "type": "string",
                "format": "date-time",
                "description": "In the last 35 days, at most 5 minutes ahead; now if absent.",
            }
        ),
        "id": _nullable(
            {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_TEXT,
                "description": "A UUID is kept, anything else becomes a UUIDv5. A second event"
                " with the same id is answered with the first and counts nothing.",
            }
        ),
        "mode": {
            "type": ["string", "null"],
            "enum": [*(mode.value for mode in Mode), None],
            "description": "How a gauge (storage_gb, seats) changes; others only increment.",
        },
    }


def _variants() -> list[dict[str, Any]]:
    """Which values and modes go with which metric."""
    gigabytes = {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_VALUE}
    moves = [Mode.INCREMENT.value, Mode.DECREMENT.value, None]
    return [
        _variant(COUNTED, _whole(1), [Mode.INCREMENT.value, None]),
        _variant([Metric.SEATS.value], _whole(1), moves),
        _variant([Metric.STORAGE_GB.value], gigabytes, moves),
        {
            **_variant([Metric.SEATS.value], _whole(0), [Mode.SET.value]),
            "required": ["mode"],
        },
        {
            **_variant(
                [Metric.STORAGE_GB.value],
                {"type": "number", "minimum": 0, "maximum": LARGEST_VALUE},
                [Mode.SET.value],
            ),
            "required": ["mode"],
        },
    ]


class EventRequest(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Puts the schema in the place of the serializer that stands for it."""

    target_class = "apps.metering.api.serializers.UsageEventRequestSerializer"

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        return "UsageEvent"  # to which the suffix of request bodies is added

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return event_schema()
