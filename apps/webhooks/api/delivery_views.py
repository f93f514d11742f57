"""Deliveries over the API: look at them, send one again, replay a range."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.webhooks import replaying, selectors
from apps.webhooks.api import serializers
from apps.webhooks.api.asking import (
    DELIVERY_PARAMETERS,
    LIMIT_DEFAULT,
    LIMIT_MOST,
    WebhooksView,
)
from apps.webhooks.api.views import delivery_shown
from tenlyr.core import paging
from tenlyr.core.api.schema import documented
from tenlyr.core.api.serializers import NoFieldsSerializer


class DeliveriesView(WebhooksView):
    """What was and will be sent to the caller's endpoints."""

    known_query = frozenset(
        {"limit", "cursor", "endpointId", "status", "type", "tenantId", "since", "until"}
    )

    @documented(
        "webhooks.deliveries",
        response=serializers.DeliveryPageSerializer,
        parameters=DELIVERY_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        page = selectors.deliveries_of(
            self.owner(),
            self.filter(request),
            limit=paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST),
            cursor=query.get("cursor"),
        )
        found = {"data": page.rows, "next_cursor": page.next_cursor}
        return Response(serializers.DeliveryPageSerializer(found).data)


class DeliveryView(WebhooksView):
    """One delivery, with its event and every attempt."""

    @documented("webhooks.getDelivery", response=serializers.FullDeliverySerializer)
    def get(self, request: Request, delivery_id: UUID) -> Response:
        owner = self.owner()
        delivery = replaying.get(owner.workspace_id, delivery_id, owner.tenant_id)
        event, attempts = selectors.event_of(delivery), selectors.attempts_of(delivery)
        return Response(
            {
                **delivery_shown(delivery),
                "event": serializers.EnvelopeSerializer(event).data if event else None,
                "attempts": serializers.AttemptSerializer(attempts, many=True).data,
            }
        )


class RetryView(WebhooksView):
    """Send a delivery again, now."""

    @documented(
        "webhooks.retry",
        request=NoFieldsSerializer,
        response=serializers.DeliverySerializer,
        status=202,
        idempotent=True,
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        owner = self.owner()
        return self.once(
            lambda: delivery_shown(
                replaying.retry(
                    workspace_id=owner.workspace_id,
                    tenant_id=owner.tenant_id,
                    delivery_id=delivery_id,
                )
            ),
            status=202,
        )


class ReplayView(WebhooksView):
    """Send the events of a range again."""

    @documented(
        "webhooks.replay",
        request=serializers.ReplaySerializer,
        response=serializers.ReplayedSerializer,
        status=202,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.ReplaySerializer)
        owner = self.owner()
        return self.once(
            lambda: {
                "queued": replaying.replay(
                    workspace_id=owner.workspace_id, tenant_id=owner.tenant_id, **data
                )
            },
            body=data,
            status=202,
        )
