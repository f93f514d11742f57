# Made from tenlyr/resources/webhooks.py by make_sync.py: change that file, not this one.
"""Endpoints that hear of events, and the log of what was sent."""

from typing import Iterator, Optional, Sequence

from tenlyr._calls import NOT_GIVEN, Maybe, When, path
from tenlyr._enums import DeliveryStatus, EventName
from tenlyr._sync._resource import Resource, delete, get, patch, post, walk
from tenlyr._types_platform import (
    Delivery,
    DeliveryPage,
    Endpoint,
    EndpointPage,
    EndpointWithSecret,
    EventTypes,
    FullDelivery,
    Replayed,
)
from tenlyr.webhooks import verify


class Webhooks(Resource):
    """Endpoints that hear of events, and the log of what was sent."""

    def deliveries(
        self,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        endpoint_id: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        since: Maybe[When] = NOT_GIVEN,
        status: Maybe[DeliveryStatus] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        type: Maybe[EventName] = NOT_GIVEN,
        until: Maybe[When] = NOT_GIVEN,
    ) -> DeliveryPage:
        """A page of what was and will be sent to the caller's endpoints, the newest first.

        - `since`: Of events from then on.
        - `tenant_id`: Only of events about this tenant; with an admin key.
        - `until`: Of events before then.
        """
        return self._one(
            DeliveryPage,
            get(
                "/webhooks/deliveries",
                cursor=cursor,
                endpointId=endpoint_id,
                limit=limit,
                since=since,
                status=status,
                tenantId=tenant_id,
                type=type,
                until=until,
            ),
        )

    def deliveries_all(
        self,
        *,
        endpoint_id: Maybe[str] = NOT_GIVEN,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        since: Maybe[When] = NOT_GIVEN,
        status: Maybe[DeliveryStatus] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        type: Maybe[EventName] = NOT_GIVEN,
        until: Maybe[When] = NOT_GIVEN,
    ) -> Iterator[Delivery]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.deliveries(
                endpoint_id=endpoint_id,
                limit=limit,
                since=since,
                status=status,
                tenant_id=tenant_id,
                type=type,
                until=until,
                cursor=cursor,
            ),
            cursor,
        )

    def get_delivery(self, delivery_id: str) -> FullDelivery:
        """One delivery, with its event and every attempt."""
        return self._one(FullDelivery, get(path("/webhooks/deliveries/{}", delivery_id)))

    def retry(self, delivery_id: str, *, idempotency_key: Optional[str] = None) -> Delivery:
        """Send a delivery again, now."""
        return self._one(
            Delivery, post(path("/webhooks/deliveries/{}/retry", delivery_id), idempotency_key)
        )

    def list(
        self,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
    ) -> EndpointPage:
        """A page of the caller's endpoints, the newest first.

        - `tenant_id`: Only this tenant's, with an admin key; a tenant's key sees its own anyway.
        """
        return self._one(
            EndpointPage, get("/webhooks/endpoints", cursor=cursor, limit=limit, tenantId=tenant_id)
        )

    def list_all(
        self,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
    ) -> Iterator[Endpoint]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.list(limit=limit, tenant_id=tenant_id, cursor=cursor), cursor
        )

    def create(
        self,
        *,
        url: str,
        description: Maybe[str] = NOT_GIVEN,
        events: Maybe[Sequence[str]] = NOT_GIVEN,
        ordered: Maybe[bool] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> EndpointWithSecret:
        """A new endpoint; its secret comes with the answer, this once.

        - `ordered`: One event of a tenant after the other: each waits until the one before is
          delivered or given up.
        - `tenant_id`: With an admin key only: an endpoint of this tenant, which hears of its
          events.
        """
        return self._one(
            EndpointWithSecret,
            post(
                "/webhooks/endpoints",
                idempotency_key,
                body={
                    "url": url,
                    "description": description,
                    "events": events,
                    "ordered": ordered,
                    "tenantId": tenant_id,
                },
            ),
        )

    def get(self, endpoint_id: str) -> Endpoint:
        """One endpoint."""
        return self._one(Endpoint, get(path("/webhooks/endpoints/{}", endpoint_id)))

    def update(
        self,
        endpoint_id: str,
        *,
        url: Maybe[str] = NOT_GIVEN,
        description: Maybe[str] = NOT_GIVEN,
        events: Maybe[Sequence[str]] = NOT_GIVEN,
        ordered: Maybe[bool] = NOT_GIVEN,
    ) -> Endpoint:
        """Change an endpoint."""
        return self._one(
            Endpoint,
            patch(
                path("/webhooks/endpoints/{}", endpoint_id),
                url=url,
                description=description,
                events=events,
                ordered=ordered,
            ),
        )

    def delete(self, endpoint_id: str) -> None:
        """Remove an endpoint; the log of what it was sent stays."""
        self._nothing(delete(path("/webhooks/endpoints/{}", endpoint_id)))

    def pause(self, endpoint_id: str, *, idempotency_key: Optional[str] = None) -> Endpoint:
        """Hold what is sent to an endpoint."""
        return self._one(
            Endpoint, post(path("/webhooks/endpoints/{}/pause", endpoint_id), idempotency_key)
        )

    def resume(self, endpoint_id: str, *, idempotency_key: Optional[str] = None) -> Endpoint:
        """Send to an endpoint again, also to one that was disabled."""
        return self._one(
            Endpoint, post(path("/webhooks/endpoints/{}/resume", endpoint_id), idempotency_key)
        )

    def rotate_secret(
        self, endpoint_id: str, *, idempotency_key: Optional[str] = None
    ) -> EndpointWithSecret:
        """Give an endpoint a new secret; the old one signs beside it for 24 hours."""
        return self._one(
            EndpointWithSecret,
            post(path("/webhooks/endpoints/{}/rotate-secret", endpoint_id), idempotency_key),
        )

    def test(self, endpoint_id: str, *, idempotency_key: Optional[str] = None) -> Delivery:
        """Send a `webhook.test` to an endpoint, once."""
        return self._one(
            Delivery, post(path("/webhooks/endpoints/{}/test", endpoint_id), idempotency_key)
        )

    def event_types(self) -> EventTypes:
        """Every type of event, with an example."""
        return self._one(EventTypes, get("/webhooks/event-types"))

    def replay(
        self,
        *,
        endpoint_id: str,
        since: When,
        until: When,
        types: Maybe[Sequence[str]] = NOT_GIVEN,
        only_undelivered: Maybe[bool] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> Replayed:
        """Send the events of a range again.

        - `since`: Events from this moment on.
        - `until`: Events before this moment.
        - `types`: Of those that the endpoint listens to, only these.
        - `only_undelivered`: Leave out what it has accepted before.
        """
        return self._one(
            Replayed,
            post(
                "/webhooks/replay",
                idempotency_key,
                body={
                    "endpointId": endpoint_id,
                    "since": since,
                    "until": until,
                    "types": types,
                    "onlyUndelivered": only_undelivered,
                },
            ),
        )

    verify = staticmethod(verify)
