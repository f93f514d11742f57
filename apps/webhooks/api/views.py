"""Endpoints over the API: each view reads the request, calls one verb and shows the endpoint."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenants import public as tenants
from apps.webhooks import endpoints, replaying, selectors
from apps.webhooks.api import serializers
from apps.webhooks.api.asking import (
    ENDPOINT_PARAMETERS,
    LIMIT_DEFAULT,
    LIMIT_MOST,
    WebhooksView,
)
from apps.webhooks.catalogue import CATALOGUE, envelope
from apps.webhooks.models import Delivery, Endpoint
from tenlyr.core import paging
from tenlyr.core.api.schema import documented
from tenlyr.core.api.serializers import NoFieldsSerializer
from tenlyr.core.events import audience_of


def shown(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint in the wire's form."""
    return dict(serializers.EndpointSerializer(endpoint).data)


def delivery_shown(delivery: Delivery) -> dict[str, Any]:
    """A delivery in the wire's form."""
    return dict(serializers.DeliverySerializer(delivery).data)


class EndpointView(WebhooksView):
    """What the views of one endpoint share."""

    def of(self, endpoint_id: UUID) -> dict[str, Any]:
        """How verbs are told which endpoint of whom is meant."""
        owner = self.owner()
        return {
            "workspace_id": owner.workspace_id,
            "tenant_id": owner.tenant_id,
            "endpoint_id": endpoint_id,
        }


class EndpointsView(WebhooksView):
    """The caller's endpoints."""

    known_query = frozenset({"limit", "cursor", "tenantId"})

    @documented(
        "webhooks.list",
        response=serializers.EndpointPageSerializer,
        parameters=ENDPOINT_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        page = selectors.endpoints_of(
            self.owner(self.named_tenant(request)),
            limit=paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST),
            cursor=query.get("cursor"),
        )
        found = {"data": page.rows, "next_cursor": page.next_cursor}
        return Response(serializers.EndpointPageSerializer(found).data)

    @documented(
        "webhooks.create",
        request=serializers.CreateEndpointSerializer,
        response=serializers.EndpointWithSecretSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.CreateEndpointSerializer)
        owner = self.owner(data.get("tenant_id"))
        if owner.tenant_id is not None:
            tenants.get(owner.workspace_id, owner.tenant_id)
        given = {name: value for name, value in data.items() if name != "tenant_id"}
        # Before a transaction opens: it may ask a name server, and a refusal is recorded.
        endpoints.vet(given["url"], workspace_id=owner.workspace_id, tenant_id=owner.tenant_id)

        def run() -> dict[str, Any]:
            made, secret = endpoints.create(
                workspace_id=owner.workspace_id, tenant_id=owner.tenant_id, is_vetted=True, **given
            )
            return {**shown(made), "secret": secret}

        return self.once(run, body=data, status=201, holds_secret=True)


class OneEndpointView(EndpointView):
    """One endpoint of the caller's."""

    @documented("webhooks.get", response=serializers.EndpointSerializer)
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        return Response(shown(endpoints.get(**self.of(endpoint_id))))

    @documented(
        "webhooks.update",
        request=serializers.UpdateEndpointSerializer,
        response=serializers.EndpointSerializer,
    )
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        data = self.read(serializers.UpdateEndpointSerializer)
        return Response(shown(endpoints.change(**self.of(endpoint_id), **data)))

    @documented("webhooks.delete", status=204)
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        endpoints.delete(**self.of(endpoint_id))
        return Response(status=204)


class PauseView(EndpointView):
    """Hold what is sent to an endpoint."""

    @documented(
        "webhooks.pause",
        request=NoFieldsSerializer,
        response=serializers.EndpointSerializer,
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        to = {**self.of(endpoint_id), "status": Endpoint.Status.PAUSED}
        return self.once(lambda: shown(endpoints.change(**to)))


class ResumeView(EndpointView):
    """Send to an endpoint again, also to one that was disabled."""

    @documented(
        "webhooks.resume",
        request=NoFieldsSerializer,
        response=serializers.EndpointSerializer,
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        to = {**self.of(endpoint_id), "status": Endpoint.Status.ENABLED}
        return self.once(lambda: shown(endpoints.change(**to)))


class RotateSecretView(EndpointView):
    """Give an endpoint a new secret."""

    @documented(
        "webhooks.rotateSecret",
        request=NoFieldsSerializer,
        response=serializers.EndpointWithSecretSerializer,
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        self.read(NoFieldsSerializer)

        def run() -> dict[str, Any]:
            endpoint, secret = endpoints.rotate_secret(**self.of(endpoint_id))
            return {**shown(endpoint), "secret": secret}

        return self.once(run, holds_secret=True)


class TestView(EndpointView):
    """Send a `webhook.test` to an endpoint."""

    @documented(
        "webhooks.test",
        request=NoFieldsSerializer,
        response=serializers.DeliverySerializer,
        status=202,
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        return self.once(
            lambda: delivery_shown(replaying.send_test(**self.of(endpoint_id))), status=202
        )


class EventTypesView(WebhooksView):
    """Every type of event."""

    @documented("webhooks.eventTypes", response=serializers.EventTypesSerializer)
    def get(self, request: Request) -> Response:
        rows = [
            {
                "type": kind.value,
                "description": entry.when,
                "audience": audience_of(kind),
                "example": envelope(kind),
            }
            for kind, entry in CATALOGUE.items()
        ]
        return Response(serializers.EventTypesSerializer({"data": rows}).data)
