"""Alerts in the words of each kind of channel, pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from apps.health.models import Alert, AlertStatus
from tenlyr.core import clock

TYPE = "alert.notice"
MOST_NAMED = 20
TEST = "This is a test from Tenlyr: the channel works."
# What Slack takes for a command in a text.
ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Said:
    """What one message says: the worst alerts of `total`, worst first; none in a test.

    `names` has the names of their tenants.
    """

    id: UUID
    at: datetime
    alerts: Sequence[Alert]
    total: int
    names: Mapping[UUID, str]

    def title(self, alert: Alert) -> str:
        """The alert's title, behind the tenant's name where it has one."""
        name = self.names.get(alert.tenant_id) if alert.tenant_id else None
        return f"{name}: {alert.title}" if name else alert.title


def webhook(said: Said) -> bytes:
    """The body for a receiver of ours: an envelope like that of an event (E5)."""
    return orjson.dumps(
        {
            "id": message_id(said),
            "type": TYPE,
            "createdAt": clock.iso(said.at),
            "data": {
                "test": not said.alerts,
                "total": said.total,
                "alerts": [shown(one) for one in said.alerts],
            },
        }
    )


def slack(said: Said) -> bytes:
    """The body for an incoming webhook of Slack, Mattermost and whoever takes the same."""
    lines = [f"*[{one.severity}] {said.title(one).translate(ESCAPED)}*" for one in named(said)]
    texts = [one.message.translate(ESCAPED) for one in named(said)]
    both = [f"{line}\n{text}" if text else line for line, text in zip(lines, texts, strict=True)]
    return orjson.dumps({"text": "\n".join([*both, *_more(said)]) or TEST})


def email(said: Said) -> tuple[str, str]:
    """Subject and text of a mail."""
    if not said.alerts:
        return "[Tenlyr] Test", f"{TEST}\n"
    worst = said.alerts[0]
    others = f" and {said.total - 1} more" if said.total > 1 else ""
    subject = f"[Tenlyr] {worst.severity}: {said.title(worst)}{others}"
    blocks = [_block(said, one) for one in named(said)]
    return subject, "\n\n".join([*blocks, *_more(said)]) + "\n"


def message_id(said: Said) -> str:
    """The same at each attempt, so that a receiver can tell a repeat."""
    return f"msg_{said.id.hex}"


def named(said: Said) -> Sequence[Alert]:
    """Those that people are told of one by one."""
    return said.alerts[:MOST_NAMED]


def shown(alert: Alert) -> dict[str, Any]:
    """An alert in the wire's casing."""
    return {
        "id": str(alert.id),
        "tenantId": str(alert.tenant_id) if alert.tenant_id else None,
        "type": alert.type,
        "severity": alert.severity,
        "title": alert.title,
        "message": alert.message,
        "metadata": alert.metadata,
        "count": alert.count,
        "status": alert.status,
        "createdAt": clock.iso(alert.created_at),
        "lastAt": clock.iso(alert.last_at),
        "resolvedAt": clock.iso(alert.resolved_at) if alert.resolved_at else None,
        "resolvedBy": alert.resolved_by,
    }


def _block(said: Said, alert: Alert) -> str:
    over = " (resolved since)" if alert.status == AlertStatus.RESOLVED else ""
    whose = f"Tenant {alert.tenant_id}" if alert.tenant_id else "The workspace"
    counted = f", {alert.count} times" if alert.count > 1 else ""
    when = f"{whose}, {alert.type}, since {clock.iso(alert.created_at)}{counted}"
    lines = (f"{alert.severity}: {said.title(alert)}{over}", alert.message, when)
    return "\n".join(line for line in lines if line)


def _more(said: Said) -> list[str]:
    left = said.total - len(named(said))
    return [f"and {left} more: see GET /api/v1/alerts/unresolved"] if left > 0 else []
