"""OpenAPI as it is: wire names, our error body, both ways to send a key, the hot path too."""

import re
from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from tenlyr.core.api import wire
from tenlyr.core.api.serializers import NOT_PLAIN

View = Callable[..., Any]
_PLACE = re.compile(r"\{(\w+)\}")
READS = (400, 401, 403, 404, 422, 429, 503)
WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 501, 503)


class FieldErrorShape(serializers.Serializer[Any]):
    """One wrong field."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ErrorShape(serializers.Serializer[Any]):
    """The body of every answer that is not 2xx (A8). `code` is for machines, `message` for
    people.
    """

    message = serializers.CharField()
    error = serializers.CharField(help_text="The reason phrase of the status.")
    status_code = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField(help_text="The same as message, for older clients.")
    request_id = serializers.CharField()
    errors: Any = FieldErrorShape(many=True, required=False, help_text="On 422 only.")


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer is documented, X-API-Key is accepted (X19)."""

    target_class = "tenlyr.core.api.authentication.KeyAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "tenlyr_live_…"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return [{"bearer": []}, {"apiKey": []}]


class TenlyrSchema(AutoSchema):
    """Paths and summaries as drf-spectacular finds them; a text that may be empty has one shape."""

    def _insert_field_validators(self, field: Any, schema: Any) -> None:
        """Without the second shape for an empty text, where the first takes it already: by
        `oneOf` a text that fits both is none.
        """
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        shapes = schema.get("oneOf", [])
        if shapes[1:] == [EMPTY_TEXT] and _takes_empty(shapes[0]):
            schema.pop("oneOf")
            schema.update(shapes[0])


def _takes_empty(shape: dict[str, Any]) -> bool:
    is_free = "format" not in shape and not shape.get("minLength")
    return is_free and re.search(shape.get("pattern", ""), "") is not None


# The shapes of query parameters.
CURSOR = {"type": "string", "maxLength": 512, "pattern": "^[A-Za-z0-9_=-]*$"}
EMPTY_TEXT = {"type": "string", "maxLength": 0}
PLAIN_TEXT = {"type": "string", "pattern": f"^[^{NOT_PLAIN}]*$"}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    # A space at either end does not survive the way through HTTP.
    {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters. A repeat within 24 h answers alike.",
)


def page_parameters(
    of: str, *, default: int, most: int, is_array: bool = False
) -> list[OpenApiParameter]:
    """The query of a list that is read in pages of `of`. The way to the next page is in the body,
    or in headers where the body `is_array`.
    """
    each = "answer" if is_array else "page"
    before = "`X-Next-Cursor` of the answer before; the last one has none."
    return [
        OpenApiParameter(
            "limit",
            {"type": "integer", "minimum": 1, "default": default},
            description=f"{of} per {each}; more than {most} means {most}.",
        ),
        OpenApiParameter(
            "cursor",
            CURSOR,
            description=before if is_array else "`nextCursor` of the page before.",
        ),
    ]


def documented(
    operation: str,
    *,
    request: Any = None,
    response: Any = None,
    status: int = 200,
    parameters: list[OpenApiParameter] | None = None,
    idempotent: bool = False,
    public: bool = False,
    description: str | None = None,
    refusals: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Describe one operation. `operation` is the SDKs' method path, e.g. `tenants.create`.

    A dictionary as `response` maps each media type of the answer to its shape; `refusals` are
    statuses beside the usual ones.
    """
    empty = OpenApiResponse() if response is None else response
    shapes = response if isinstance(response, dict) else {None: empty}
    answers: dict[Any, Any] = {
        (status, media) if media else status: shape for media, shape in shapes.items()
    }
    usual = READS if request is None and not idempotent else WRITES
    for code in (*usual, *refusals):
        answers[code] = ErrorShape
    extra = [IDEMPOTENCY_KEY] if idempotent else []
    decorate: Callable[[View], View] = extend_schema(
        operation_id=operation,
        tags=[operation.split(".")[0]],
        request=request,
        responses=answers,
        parameters=[*(parameters or []), *extra],
        auth=[] if public else None,
        description=description,
    )
    return decorate


def camelize(result: Any, generator: Any, request: Any, public: Any) -> Any:
    """Post-processing: the names of fields as the wire has them, and no field beyond those
    named.
    """
    for name, schema in result.get("components", {}).get("schemas", {}).items():
        _camelize(schema)
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    paths = result.get("paths", {})
    result["paths"] = {_PLACE.sub(_camel_place, path): item for path, item in paths.items()}
    for item in paths.values():
        for operation in item.values():
            _camelize_places(operation)
            _require_body(operation)
    return result


def _camel_place(found: re.Match[str]) -> str:
    return "{" + wire.camel(found[1]) + "}"


def _camelize_places(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["name"] = wire.camel(parameter["name"])


def _require_body(operation: dict[str, Any]) -> None:
    """Only an object may be left out, as an empty one: a list or lines must be sent."""
    body = operation.get("requestBody", {})
    kinds = {media["schema"].get("type") for media in body.get("content", {}).values()}
    if kinds & {"array", "string"}:
        body["required"] = True


def _camelize(schema: dict[str, Any]) -> None:
    if "properties" in schema:
        schema["properties"] = {wire.camel(n): s for n, s in schema["properties"].items()}
    if "required" in schema:
        schema["required"] = sorted(wire.camel(name) for name in schema["required"])
