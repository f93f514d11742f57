"""The base of every REST view: who calls, what was sent, and once only."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenlyr.core import errors, idempotency
from tenlyr.core.api.serializers import WireSerializer, is_plain
from tenlyr.core.idempotency import Answer, Call
from tenlyr.core.principal import Principal


def next_page(request: Request, cursor: str | None) -> dict[str, str] | None:
    """The headers of an array that has more: where it goes on."""
    if cursor is None:
        return None
    query = urlencode({**request.query_params.dict(), "cursor": cursor})
    return {"X-Next-Cursor": cursor, "Link": f'<{request.path}?{query}>; rel="next"'}


WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ApiView(APIView):
    """A view that knows its caller and answers a repeated POST like the first (X23)."""

    known_query: frozenset[str] = frozenset()
    is_counted = True  # towards the limit on the management API (X41)
    metadata_class = None  # OPTIONS is no way around a view's own methods

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = self.known_query
        if request.method in WRITING and hasattr(self, request.method.lower()):
            known = frozenset()  # a list's filters mean nothing to what is made beside it
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise errors.invalid(unknown[0], "unknown_field", "Unknown query parameter.")
        for name, values in request.query_params.lists():
            if len(values) > 1:
                raise errors.invalid(name, "repeated", "Give this parameter once.")
            if not is_plain(values[0]):
                raise errors.invalid(name, "invalid", "Contains a character that is not allowed.")

    @property
    def principal(self) -> Principal:
        """The caller."""
        principal: Principal = self.request.user  # type: ignore[assignment]
        return principal

    def read(self, serializer: type[WireSerializer]) -> dict[str, Any]:
        """The validated body; raises 400, 415 or 422."""
        if not self.request.META.get("CONTENT_LENGTH") and not self.request.body:
            data: Any = {}
        else:
            data = self.request.data
        bound = serializer(data=data)
        bound.is_valid(raise_exception=True)
        return dict(bound.validated_data)

    def once(
        self,
        run: Callable[[], Any],
        *,
        body: Any = None,
        status: int = 200,
        holds_secret: bool = False,
    ) -> Response:
        """Answer with what `run` returns; with an Idempotency-Key, run it once only."""
        key = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None:
            return Response(run(), status=status)
        route = f"{self.request.method} {self.request.path}"
        call = Call.of(self.principal, route, body, key)
        answer = idempotency.once(call, lambda: Answer(status, run()), holds_secret=holds_secret)
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
        return Response(answer.body, status=answer.status, headers=headers)
