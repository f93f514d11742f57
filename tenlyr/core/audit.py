"""The port to the audit trail: verbs record privileged acts, the audit app keeps them (R15)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, transaction

from tenlyr.core import context

# Whose trail an act on what belongs to no workspace is on: servers, databases, the default plans.
INSTALLATION = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: who did what to whom, and from where. `details` never holds a secret.

    `using` is the connection to the control database in whose transaction the act is done.
    """

    action: str
    workspace_id: UUID
    tenant_id: UUID | None = None
    target: str = ""
    result: str = "ok"
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    using: str = DEFAULT_DB_ALIAS
    actor: context.RequestContext = field(default_factory=context.current)


_sinks: list[Callable[[Entry], None]] = []


def keep_with(sink: Callable[[Entry], None]) -> None:
    """Name the keeper of the trail, once, from the audit app's `ready`."""
    _sinks[:] = [sink]


def record(
    action: str,
    *,
    workspace_id: UUID,
    tenant_id: UUID | None = None,
    target: str = "",
    result: str = "ok",
    reason: str = "",
    using: str = DEFAULT_DB_ALIAS,
    **details: Any,
) -> None:
    """Keep an entry in the transaction of the act: both are there afterwards, or neither.

    Call it last in a verb: the trail of a workspace is a chain, and its tip is locked until commit.
    """
    if not _sinks or not transaction.get_connection(using).in_atomic_block:
        raise RuntimeError(f"{action} must be recorded inside its transaction, with an audit app")
    entry = Entry(action, workspace_id, tenant_id, target, result, reason, details, using)
    _sinks[0](entry)
