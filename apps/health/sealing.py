"""A channel's target and signing secret at rest, and what of them may be shown."""

import json
from urllib.parse import urlsplit

from apps.health.models import Channel, ChannelKind
from tenlyr.core import secrets

PLACE = "health_channel.sealed"


def sealed(target: str, secret: str) -> bytes:
    """Both, encrypted; `secret` is '' where nothing is signed."""
    return secrets.seal(json.dumps([target, secret]).encode(), place=PLACE)


def opened(channel: Channel) -> tuple[str, str]:
    """Target and secret of a channel; raises `CannotDecrypt`."""
    target, secret = json.loads(secrets.unseal(bytes(channel.sealed), place=PLACE))
    return target, secret


def shown(kind: ChannelKind, target: str) -> str:
    """What people tell channels apart by: whoever knows a chat's address may write there."""
    if kind is ChannelKind.EMAIL:
        return target
    parts = urlsplit(target)
    if kind is ChannelKind.SLACK:
        return f"{parts.scheme}://{parts.netloc}/…"
    return f"{parts.scheme}://{parts.netloc}{parts.path}{'?…' if parts.query else ''}"
