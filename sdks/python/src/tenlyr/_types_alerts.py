"""Answers about alerts, their channels, and whether a call may go on."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Optional

from tenlyr._answers import Answer
from tenlyr._enums import AlertSeverity, AlertStatus, ChannelKind, MessageStatus

__all__ = [
    "Alert",
    "Channel",
    "ChannelPage",
    "CreatedChannel",
    "Message",
    "MessagePage",
    "Resolved",
    "Allowance",
]


@dataclass(frozen=True)
class Alert(Answer):
    """An alert as every answer shows it."""

    id: str
    tenant_id: Optional[str]
    """None where it concerns the workspace."""
    type: str
    severity: AlertSeverity
    """The worst so far: it does not fall while the alert is open."""
    title: str
    message: str
    metadata: Dict[str, Any]
    count: int
    """How often it happened since it was opened."""
    status: AlertStatus
    created_at: datetime
    last_at: datetime
    """When it happened last."""
    resolved_at: Optional[datetime]
    resolved_by: Optional[str]
    """`admin_key`, `tenant_key`, `operator`, or `system` where its reason is over."""


@dataclass(frozen=True)
class Channel(Answer):
    """A channel as every answer shows it."""

    id: str
    kind: ChannelKind
    target: str
    """Without what is secret: of a chat's address the host only."""
    min_severity: AlertSeverity
    enabled: bool
    last_sent_at: Optional[datetime]
    last_error: Optional[str]
    """Why the last message was not taken; None once one was."""
    created_at: datetime


@dataclass(frozen=True)
class ChannelPage(Answer):
    """A page of channels, the newest first."""

    data: List[Channel]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class CreatedChannel(Answer):
    """A new channel with its signing secret: the only time it is shown."""

    channel: Channel
    secret: Optional[str] = field(repr=False)
    """Of a webhook; None for the others."""


@dataclass(frozen=True)
class Message(Answer):
    """What a channel was sent, or is to be."""

    id: str
    test: bool
    status: MessageStatus
    attempts: int
    error: Optional[str]
    created_at: datetime
    finished_at: Optional[datetime]


@dataclass(frozen=True)
class MessagePage(Answer):
    """A page of messages, the newest first."""

    data: List[Message]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class Resolved(Answer):
    """How many were resolved."""

    resolved: int


@dataclass(frozen=True)
class Allowance(Answer):
    """Whether the call may go on. All numbers are None where nothing limits it."""

    allowed: bool
    """Then the cost was taken."""
    limit: Optional[int]
    """Calls a minute."""
    remaining: Optional[int]
    """None too while nobody can count; then all is allowed."""
    reset_seconds: Optional[int]
    """Until there is more room."""
    retry_after: Optional[int]
    """Seconds, of a call that was refused; None for one that will never have room."""
