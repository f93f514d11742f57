"""Answers about the platform: isolation and webhooks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Optional

from tenlyr._answers import Answer
from tenlyr._enums import (
    Audience,
    DeliveryStatus,
    EndpointStatus,
    EventName,
    IsolationLevel,
    MigrationStatus,
    ProofCause,
    ProofStatus,
)

__all__ = [
    "Progress",
    "Migration",
    "IsolationMigration",
    "Credential",
    "Connection",
    "NewCredential",
    "Proof",
    "ProofPage",
    "SignedReport",
    "Change",
    "FullProof",
    "Envelope",
    "Attempt",
    "Delivery",
    "DeliveryPage",
    "FullDelivery",
    "Endpoint",
    "EndpointPage",
    "EndpointWithSecret",
    "EventType",
    "EventTypes",
    "Replayed",
]


@dataclass(frozen=True)
class Progress(Answer):
    """How far a migration is."""

    step: Optional[str]
    """The last step that is finished; None before the first."""
    rows_done: int
    rows_total: int
    """As estimated at the start, then as counted."""
    rows_per_second: float
    estimated_seconds_left: Optional[int]
    """Of copying; None while there is no rate to go by."""


@dataclass(frozen=True)
class Migration(Answer):
    """A migration as every answer shows it."""

    id: str
    tenant_id: str
    from_level: IsolationLevel
    to_level: IsolationLevel
    status: MigrationStatus
    """It ends as completed or failed, and may be rolled_back later."""
    error: Optional[str]
    """Why it failed; the tenant is where it was."""
    created_at: datetime
    started_at: Optional[datetime]
    flipped_at: Optional[datetime]
    """From this moment on the tenant is at its new level."""
    finished_at: Optional[datetime]
    rollback_until: Optional[datetime]
    """Until then the old place is kept; None where no way leads back."""
    rollback_of: Optional[str]
    """The migration that this one undoes."""
    provided: Optional[str]
    """What was really given, for people; None until it is there."""
    progress: Progress


@dataclass(frozen=True)
class Credential(Answer):
    """A live credential; its password is shown once, when it is made."""

    id: str
    role: str
    expires_at: Optional[datetime]
    created_at: datetime


@dataclass(frozen=True)
class Connection(Answer):
    """Where the tenant's rows of the operator's tables are reached now."""

    tenant_id: str
    isolation_level: IsolationLevel
    host: str
    port: int
    database: str
    schema: str
    role: Optional[str]
    """The newest live credential's; None without one."""
    version: int
    """The release that the schema has."""
    credentials: List[Credential]


@dataclass(frozen=True)
class NewCredential(Credential):
    """A new credential with its password and where it works: the only time it is shown."""

    password: str = field(repr=False)
    host: str
    port: int
    database: str
    schema: str


@dataclass(frozen=True)
class Proof(Answer):
    """A proof without its report."""

    id: str
    status: ProofStatus
    """`incomplete`: nothing got through, but not everything could be tried; `broken`: there is no
    result, `error` says why.
    """
    cause: ProofCause
    attacks: int
    """How many attacks were made."""
    breaches: int
    """How many of them got through."""
    unproven: int
    """How many could not be made."""
    defects: int
    """How many holes the catalogue has."""
    digest: str
    """SHA-256 of the report; empty until it is finished."""
    error: str
    created_at: datetime
    started_at: Optional[datetime]
    finished_at: Optional[datetime]


@dataclass(frozen=True)
class ProofPage(Answer):
    """A page of proofs, the newest first."""

    data: List[Proof]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class SignedReport(Answer):
    """A report with its signature: `manage.py prove --verify` checks it, or whoever has the key."""

    report: Dict[str, Any]
    digest: str
    """SHA-256 of the canonical JSON of `report`."""
    algorithm: str
    signature: str
    """Base64, over the canonical JSON of `report`."""
    public_key: str
    """Base64, 32 bytes."""


@dataclass(frozen=True)
class Change(Answer):
    """One fact that is another than in the proof before."""

    path: str
    before: Optional[str]
    after: Optional[str]


@dataclass(frozen=True)
class FullProof(Proof):
    """A proof with its signed report, and what changed since the one before."""

    proof: Optional[SignedReport]
    previous_id: Optional[str]
    changes: List[Change]
    """Since the previous proof; at most 500."""


@dataclass(frozen=True)
class Envelope(Answer):
    """An event as receivers get it."""

    id: str
    type: EventName
    created_at: datetime
    data: Dict[str, Any]


@dataclass(frozen=True)
class Attempt(Answer):
    """One POST and what came back."""

    number: int
    at: datetime
    outcome: Optional[str]
    """One of accepted, refused, redirect_refused, gone, timeout, unreachable, tls_failed, blocked,
    broken, or `interrupted` (cut off with its process, sent again); None while it is under way.
    """
    status_code: Optional[int]
    """What the receiver answered; None if nothing."""
    latency_ms: Optional[float]
    reason: str
    """A sentence for people; empty where it was accepted."""
    request_headers: Dict[str, str]
    """Signatures are cut."""
    response: str
    """The beginning of the answer's body, as text."""


@dataclass(frozen=True)
class Delivery(Answer):
    """One event on its way to one endpoint."""

    id: str
    endpoint_id: str
    event_id: str
    """The same at every attempt, replay and retry."""
    type: EventName
    tenant_id: Optional[str]
    """Whom the event is about."""
    status: DeliveryStatus
    """`failed`: tried for 72 hours; `cancelled`: its endpoint or its event is gone."""
    attempt_count: int
    """How many were begun."""
    next_attempt_at: Optional[datetime]
    first_attempt_at: Optional[datetime]
    finished_at: Optional[datetime]
    is_test: bool
    is_replay: bool
    """Whether it was asked for by a replay."""
    event_created_at: datetime
    created_at: datetime


@dataclass(frozen=True)
class DeliveryPage(Answer):
    """A page of deliveries, the newest first."""

    data: List[Delivery]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class FullDelivery(Delivery):
    """A delivery with its event and every attempt."""

    event: Optional[Envelope]
    """None once the tenant's events are purged."""
    attempts: List[Attempt]
    """The first one first."""


@dataclass(frozen=True)
class Endpoint(Answer):
    """An endpoint as every answer shows it; never its secret."""

    id: str
    tenant_id: Optional[str]
    """None for the workspace's own, which hear of all its tenants."""
    url: str
    description: str
    events: List[str]
    ordered: bool
    status: EndpointStatus
    """`paused`: what comes is kept until it is resumed; `disabled`: it failed for five days or
    answered 410, and hears nothing.
    """
    disabled_reason: str
    """Empty unless it is disabled."""
    failing_since: Optional[datetime]
    """The first failure with no success since."""
    previous_secret_until: Optional[datetime]
    """Until then deliveries are signed with the secret before the last rotation, too."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class EndpointPage(Answer):
    """A page of endpoints, the newest first."""

    data: List[Endpoint]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class EndpointWithSecret(Endpoint):
    """An endpoint with its new secret: the only time it is shown."""

    secret: str = field(repr=False)
    """`whsec_` and 32 bytes in base64."""


@dataclass(frozen=True)
class EventType(Answer):
    """A type of event with an example of its whole envelope."""

    type: EventName
    description: str
    """When it is emitted."""
    audience: Audience
    """`tenant`: told to the workspace's endpoints and the tenant's own; `operators`: to the
    workspace's only.
    """
    example: Dict[str, Any]


@dataclass(frozen=True)
class EventTypes(Answer):
    """Every type of event."""

    data: List[EventType]


@dataclass(frozen=True)
class Replayed(Answer):
    """What a replay set off."""

    queued: int
    """How many events are delivered again."""


IsolationMigration = Migration
