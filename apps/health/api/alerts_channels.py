"""The API of channels: where a workspace hears of its alerts (J24)."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.health import alert_selectors as selectors
from apps.health import channels
from apps.health.api import alerts_serializers as serializers
from apps.health.models import Channel, ChannelKind
from tenlyr.core import paging
from tenlyr.core.api.permissions import AdminKey
from tenlyr.core.api.schema import documented, page_parameters
from tenlyr.core.api.serializers import NoFieldsSerializer
from tenlyr.core.api.views import ApiView
from tenlyr.core.paging import Page

LIMIT_DEFAULT, LIMIT_MOST = 50, 100
LIST_PARAMETERS = page_parameters("Rows", default=LIMIT_DEFAULT, most=LIMIT_MOST)


def shown(channel: Channel) -> dict[str, Any]:
    """A channel in the wire's form."""
    return dict(serializers.ChannelSerializer(channel).data)


class ChannelView(ApiView):
    """What the views of channels share."""

    permission_classes = [AdminKey]

    def page_of(self, request: Request) -> dict[str, Any]:
        """What the query asks of a page."""
        query = request.query_params
        limit = paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST)
        return {"limit": limit, "cursor": query.get("cursor")}


class ChannelsView(ChannelView):
    """All channels of the workspace."""

    known_query = frozenset({"limit", "cursor"})

    @documented(
        "alerts.listChannels",
        response=serializers.ChannelPageSerializer,
        parameters=LIST_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        page = selectors.channels(self.principal.workspace_id, **self.page_of(request))
        return Response(serializers.ChannelPageSerializer(_as_body(page)).data)

    @documented(
        "alerts.createChannel",
        request=serializers.CreateChannelSerializer,
        response=serializers.CreatedChannelSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.CreateChannelSerializer)
        # Before a transaction opens: it may ask a name server.
        channels.check(data["kind"], data["target"])

        def run() -> dict[str, Any]:
            made, secret = channels.create(
                workspace_id=self.principal.workspace_id, is_checked=True, **data
            )
            return {"channel": shown(made), "secret": secret or None}

        return self.once(run, body=data, status=201, holds_secret=True)


class OneChannelView(ChannelView):
    """One channel of the workspace."""

    @documented("alerts.getChannel", response=serializers.ChannelSerializer)
    def get(self, request: Request, channel_id: UUID) -> Response:
        return Response(shown(selectors.channel(self.principal.workspace_id, channel_id)))

    @documented(
        "alerts.updateChannel",
        request=serializers.UpdateChannelSerializer,
        response=serializers.ChannelSerializer,
    )
    def patch(self, request: Request, channel_id: UUID) -> Response:
        data = self.read(serializers.UpdateChannelSerializer)
        workspace_id = self.principal.workspace_id
        if "enabled" in data:
            data["is_enabled"] = data.pop("enabled")
        if "target" in data:
            kind = ChannelKind(selectors.channel(workspace_id, channel_id).kind)
            serializers.check_target(kind, data["target"])
        made = channels.update(workspace_id=workspace_id, channel_id=channel_id, **data)
        return Response(shown(made))

    @documented("alerts.deleteChannel", status=204)
    def delete(self, request: Request, channel_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        channels.delete(workspace_id=self.principal.workspace_id, channel_id=channel_id)
        return Response(status=204)


class TestView(ChannelView):
    """Have a test sent."""

    @documented(
        "alerts.testChannel",
        request=NoFieldsSerializer,
        response=serializers.MessageSerializer,
        status=202,
        idempotent=True,
    )
    def post(self, request: Request, channel_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        workspace_id = self.principal.workspace_id

        def run() -> dict[str, Any]:
            message = channels.test(workspace_id=workspace_id, channel_id=channel_id)
            return dict(serializers.MessageSerializer(message).data)

        return self.once(run, status=202)


class MessagesView(ChannelView):
    """What a channel was sent, and what came of it."""

    known_query = frozenset({"limit", "cursor"})

    @documented(
        "alerts.listMessages",
        response=serializers.MessagePageSerializer,
        parameters=LIST_PARAMETERS,
    )
    def get(self, request: Request, channel_id: UUID) -> Response:
        page = selectors.messages(self.principal.workspace_id, channel_id, **self.page_of(request))
        return Response(serializers.MessagePageSerializer(_as_body(page)).data)


def _as_body(page: Page) -> dict[str, Any]:
    return {"data": page.rows, "next_cursor": page.next_cursor}
