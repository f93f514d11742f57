"""The usage API. Tracking is the lane's work; its views only name it on the map, for the
document.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.metering import selectors
from apps.metering.api import lane, openapi, serializers
from tenlyr.core import context, paging, redis
from tenlyr.core.api import wire
from tenlyr.core.api.permissions import TenantKey
from tenlyr.core.api.schema import documented
from tenlyr.core.api.views import ApiView
from tenlyr.core.coroutines import finish
from tenlyr.core.redis import Ask

EVENTS_DEFAULT, EVENTS_MOST = 100, 1_000
EventRequest = serializers.UsageEventRequestSerializer
LINES = {"type": "string", "description": "One event a line (NDJSON)."}


class OnThread:
    """How the lane's calls wait below Django: the thread is theirs."""

    ask: Ask = staticmethod(redis.blocking)

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    async def body(self, most: int) -> bytes:
        """The request's body, or its beginning."""
        return self._request.read(most + 1)

    async def run(self, function: Callable[..., lane.Result], *args: Any) -> lane.Result:
        """The function's result, at once."""
        return function(*args)


class UsageView(ApiView):
    """The throttle and the plan bind a tenant's usage, the limit on the management API does not
    (X41).
    """

    is_counted = False


class LaneView(UsageView):
    """A route that the lane answers, reached through Django: the same function, the same answer."""

    permission_classes = [TenantKey]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        meta = request.META
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["x-request-id"] = context.current().request_id
        address = meta.get("REMOTE_ADDR", "")
        call = lane.Call(
            request.method or "", request.path, meta.get("QUERY_STRING", ""), headers, address
        )
        answer = finish(lane.respond(call, OnThread(request)))
        return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


class TrackView(LaneView):
    """Track one event."""

    @documented(
        "usage.track",
        request=EventRequest,
        response=serializers.UsageEventSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        """Count an event of the tenant, unless a strict limit of its plan would be passed (400)."""
        raise NotImplementedError(f"{openapi.__name__} describes what the lane answers")


class TrackBatchView(LaneView):
    """Track many events."""

    @documented(
        "usage.trackBatch",
        request={
            "application/json": EventRequest(many=True),
            "application/x-ndjson": LINES,
        },
        response=serializers.BatchSerializer,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        """Count up to 10,000 events, each for itself."""
        raise NotImplementedError(f"{openapi.__name__} describes what the lane answers")


class MetricsView(UsageView):
    """Use in the present period (B14)."""

    permission_classes = [TenantKey]

    @documented("usage.metrics", response=serializers.UsageMetricsSerializer)
    def get(self, request: Request) -> Response:
        return Response(wire.camel_keys(selectors.metrics(self.principal.tenant)))


class SummaryView(UsageView):
    """Use against limits (B15, X30)."""

    permission_classes = [TenantKey]

    @documented("usage.summary", response=serializers.UsageSummarySerializer)
    def get(self, request: Request) -> Response:
        summary = selectors.summary(self.principal.tenant)
        # The names of metrics are data: they are the same here as in an event.
        metrics = {name: wire.camel_keys(one) for name, one in summary.pop("metrics").items()}
        return Response({**wire.camel_keys(summary), "metrics": metrics})


class EventsView(UsageView):
    """The newest events (B16)."""

    permission_classes = [TenantKey]
    known_query = frozenset({"limit"})

    @documented(
        "usage.events",
        response=serializers.UsageEventSerializer(many=True),
        parameters=[
            OpenApiParameter(
                "limit",
                {"type": "integer", "minimum": 1, "default": EVENTS_DEFAULT},
                description=f"Events, newest first; more than {EVENTS_MOST} means {EVENTS_MOST}.",
            )
        ],
    )
    def get(self, request: Request) -> Response:
        limit = paging.limit_of(
            request.query_params.get("limit"), default=EVENTS_DEFAULT, most=EVENTS_MOST
        )
        return Response(selectors.events(self.principal.tenant, limit))
