"""Alerts, and the channels that tell people of them."""

from typing import Any, AsyncIterator, Mapping, Optional

from tenlyr._answers import Listing
from tenlyr._calls import NOT_GIVEN, Maybe, path
from tenlyr._enums import AlertSeverity, AlertStatus, ChannelKind
from tenlyr._resource import Resource, delete, get, patch, post, walk
from tenlyr._types_alerts import (
    Alert,
    Channel,
    ChannelPage,
    CreatedChannel,
    Message,
    MessagePage,
    Resolved,
)


class Alerts(Resource):
    """Alerts, and the channels that tell people of them."""

    async def list(
        self,
        key: Optional[str] = None,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        severity: Maybe[AlertSeverity] = NOT_GIVEN,
        status: Maybe[AlertStatus] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        type: Maybe[str] = NOT_GIVEN,
    ) -> Listing[Alert]:
        """The alerts of the workspace, or of the tenant whose key asks.

        - `tenant_id`: Only this tenant's, with an admin key; a tenant's key sees its own anyway.
        """
        return await self._many(
            Alert,
            get(
                "/alerts",
                key=key,
                cursor=cursor,
                limit=limit,
                severity=severity,
                status=status,
                tenantId=tenant_id,
                type=type,
            ),
        )

    def list_all(
        self,
        key: Optional[str] = None,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        severity: Maybe[AlertSeverity] = NOT_GIVEN,
        status: Maybe[AlertStatus] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        type: Maybe[str] = NOT_GIVEN,
    ) -> AsyncIterator[Alert]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.list(
                key,
                limit=limit,
                severity=severity,
                status=status,
                tenant_id=tenant_id,
                type=type,
                cursor=cursor,
            ),
            cursor,
        )

    async def create(
        self,
        *,
        message: str,
        severity: AlertSeverity,
        tenant_id: str,
        title: str,
        type: str,
        metadata: Maybe[Mapping[str, Any]] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> Alert:
        """Open an alert; one of the same type that is open already is counted up.

        - `type`: One of a type is open for a tenant at a time; a repeat counts on it.
        """
        return await self._one(
            Alert,
            post(
                "/alerts",
                idempotency_key,
                body={
                    "message": message,
                    "severity": severity,
                    "tenantId": tenant_id,
                    "title": title,
                    "type": type,
                    "metadata": metadata,
                },
            ),
        )

    async def get(self, alert_id: str) -> Alert:
        """One alert."""
        return await self._one(Alert, get(path("/alerts/{}", alert_id)))

    async def resolve(self, alert_id: str, *, idempotency_key: Optional[str] = None) -> Alert:
        """Resolve one alert; one that is resolved already stays as it is."""
        return await self._one(Alert, post(path("/alerts/{}/resolve", alert_id), idempotency_key))

    async def list_channels(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> ChannelPage:
        """A page of the channels, the newest first."""
        return await self._one(ChannelPage, get("/alerts/channels", cursor=cursor, limit=limit))

    def list_channels_all(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> AsyncIterator[Channel]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(lambda cursor: self.list_channels(limit=limit, cursor=cursor), cursor)

    async def create_channel(
        self,
        *,
        kind: ChannelKind,
        target: str,
        min_severity: Maybe[AlertSeverity] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> CreatedChannel:
        """A new channel; a webhook's secret comes with the answer, this once.

        - `target`: A URL for `webhook`, an incoming webhook's URL for `slack`, an e-mail address.
        """
        return await self._one(
            CreatedChannel,
            post(
                "/alerts/channels",
                idempotency_key,
                body={"kind": kind, "target": target, "minSeverity": min_severity},
            ),
        )

    async def get_channel(self, channel_id: str) -> Channel:
        """One channel."""
        return await self._one(Channel, get(path("/alerts/channels/{}", channel_id)))

    async def update_channel(
        self,
        channel_id: str,
        *,
        target: Maybe[str] = NOT_GIVEN,
        min_severity: Maybe[AlertSeverity] = NOT_GIVEN,
        enabled: Maybe[bool] = NOT_GIVEN,
    ) -> Channel:
        """Change a channel."""
        return await self._one(
            Channel,
            patch(
                path("/alerts/channels/{}", channel_id),
                target=target,
                minSeverity=min_severity,
                enabled=enabled,
            ),
        )

    async def delete_channel(self, channel_id: str) -> None:
        """Remove a channel."""
        await self._nothing(delete(path("/alerts/channels/{}", channel_id)))

    async def list_messages(
        self, channel_id: str, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> MessagePage:
        """What a channel was sent, and what came of it."""
        return await self._one(
            MessagePage,
            get(path("/alerts/channels/{}/messages", channel_id), cursor=cursor, limit=limit),
        )

    def list_messages_all(
        self, channel_id: str, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> AsyncIterator[Message]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.list_messages(channel_id, limit=limit, cursor=cursor), cursor
        )

    async def test_channel(
        self, channel_id: str, *, idempotency_key: Optional[str] = None
    ) -> Message:
        """Have a test sent to a channel."""
        return await self._one(
            Message, post(path("/alerts/channels/{}/test", channel_id), idempotency_key)
        )

    async def resolve_all(
        self, key: Optional[str] = None, *, idempotency_key: Optional[str] = None
    ) -> Resolved:
        """Resolve whatever is open."""
        return await self._one(Resolved, post("/alerts/resolve-all", idempotency_key, key=key))

    async def unresolved(
        self,
        key: Optional[str] = None,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        severity: Maybe[AlertSeverity] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        type: Maybe[str] = NOT_GIVEN,
    ) -> Listing[Alert]:
        """The alerts that are open.

        - `tenant_id`: Only this tenant's, with an admin key; a tenant's key sees its own anyway.
        """
        return await self._many(
            Alert,
            get(
                "/alerts/unresolved",
                key=key,
                cursor=cursor,
                limit=limit,
                severity=severity,
                tenantId=tenant_id,
                type=type,
            ),
        )

    def unresolved_all(
        self,
        key: Optional[str] = None,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        severity: Maybe[AlertSeverity] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
        type: Maybe[str] = NOT_GIVEN,
    ) -> AsyncIterator[Alert]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.unresolved(
                key, limit=limit, severity=severity, tenant_id=tenant_id, type=type, cursor=cursor
            ),
            cursor,
        )
