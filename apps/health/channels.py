"""Channels of a workspace: where it hears of alerts (J24). Their targets and secrets are sealed."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.health import alert_selectors, notifying, sealing
from apps.health.errors import ChannelNotFound, EmailNotConfigured, TooManyChannels
from apps.health.models import Channel, ChannelKind, Message, Severity
from apps.workspaces.public import Workspace
from tenlyr.core import audit
from tenlyr.core.egress import guard, signing

MOST = 20


def create(
    *,
    workspace_id: UUID,
    kind: ChannelKind,
    target: str,
    min_severity: Severity,
    is_checked: bool = False,
) -> tuple[Channel, str]:
    """Add a channel; answers it and its signing secret, '' for all but a webhook. Who calls it
    inside a transaction has `check`ed the target before that.

    Raises `UrlNotAllowed`, `EmailNotConfigured` and `TooManyChannels`.
    """
    if not is_checked:
        check(kind, target)
    secret = signing.new_secret() if kind is ChannelKind.WEBHOOK else ""
    with transaction.atomic():
        # The workspace's row makes those who add at the same time take turns.
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
        if Channel.objects.filter(workspace_id=workspace_id).count() >= MOST:
            raise TooManyChannels(limit=MOST)
        channel = Channel.objects.create(
            workspace_id=workspace_id,
            kind=kind,
            shown=sealing.shown(kind, target),
            sealed=sealing.sealed(target, secret),
            min_severity=min_severity,
        )
        _record("alert_channel.created", channel, min_severity=min_severity)
    return channel, secret


def update(*, workspace_id: UUID, channel_id: UUID, **given: Any) -> Channel:
    """Change `target`, `min_severity` or `is_enabled`; raises `ChannelNotFound` and as `create`.

    What happens while a channel is switched off is not told later. A new target is looked up
    first: not to be called inside a transaction then.
    """
    if given.get("target") is not None:
        found = alert_selectors.channel(workspace_id, channel_id)
        check(ChannelKind(found.kind), given["target"])
    with transaction.atomic():
        channel = _locked(workspace_id, channel_id, no_key=True)
        was_enabled = channel.is_enabled
        _change(channel, given)
        if not (was_enabled and channel.is_enabled):
            channel.notices.filter(message=None).delete()
        if given:
            _record("alert_channel.updated", channel, fields=sorted(given))
    return channel


def delete(*, workspace_id: UUID, channel_id: UUID) -> None:
    """Remove a channel with what it was sent and what waits for it; raises `ChannelNotFound`."""
    with transaction.atomic():
        # Whoever notes something for it just now holds its key: waits here, or finds no channel.
        channel = _locked(workspace_id, channel_id)
        target = str(channel.id)
        channel.delete()
        audit.record(
            "alert_channel.deleted",
            workspace_id=workspace_id,
            target=target,
            kind=channel.kind,
            shown=channel.shown,
        )


def test(*, workspace_id: UUID, channel_id: UUID) -> Message:
    """Have the worker send a test; raises `ChannelNotFound`."""
    with transaction.atomic():
        channel = alert_selectors.channel(workspace_id, channel_id)
        message = notifying.test(channel)
        _record("alert_channel.tested", channel)
    return message


def check(kind: ChannelKind, target: str) -> None:
    """Raise what is wrong with a target: `UrlNotAllowed` or `EmailNotConfigured`. It may ask a name
    server for 2 s: not inside a transaction.
    """
    if kind is not ChannelKind.EMAIL:
        guard.vet(target)
    elif not settings.EMAIL_CONFIGURED:
        raise EmailNotConfigured()


def _change(channel: Channel, given: dict[str, Any]) -> None:
    values = dict(given)
    target = values.pop("target", None)
    if target is not None:
        kind = ChannelKind(channel.kind)
        _, secret = sealing.opened(channel)
        values["shown"] = sealing.shown(kind, target)
        values["sealed"] = sealing.sealed(target, secret)
    for name, value in values.items():
        setattr(channel, name, value)
    channel.save(update_fields=list(values))


def _locked(workspace_id: UUID, channel_id: UUID, *, no_key: bool = False) -> Channel:
    rows = Channel.objects.select_for_update(no_key=no_key).filter(workspace_id=workspace_id)
    channel = rows.filter(pk=channel_id).first()
    if channel is None:
        raise ChannelNotFound()
    return channel


def _record(action: str, channel: Channel, **details: Any) -> None:
    # Last in every verb: the trail's tip stays locked until commit.
    audit.record(
        action,
        workspace_id=channel.workspace_id,
        target=str(channel.id),
        kind=channel.kind,
        shown=channel.shown,
        **details,
    )
