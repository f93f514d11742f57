"""How a tenant is, and what is known of it: pure values (A23, X37)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Status(StrEnum):
    """What the last minutes' events say of a tenant, from no knowledge to worst."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"


# Those whose service level is at risk (A23, E7).
AT_RISK = frozenset({Status.WARNING, Status.CRITICAL})


@dataclass(frozen=True, slots=True)
class Health:
    """One tenant at the last scan.

    `error_rate` is a percentage with one decimal, `request_rate` requests a minute, both None when
    nothing was said of them; `p50_ms` and `p95_ms` are None without latencies. `checked_at` is the
    last scan, None before the first; `since` is when the status began, None if it never had one.
    """

    tenant_id: UUID
    status: Status = Status.UNKNOWN
    error_rate: float | None = None
    request_rate: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    is_noisy: bool = False
    checked_at: datetime | None = None
    since: datetime | None = None

    @property
    def sla_risk(self) -> bool:
        """Whether the service level is at risk: in warning and worse (A23)."""
        return self.status in AT_RISK


@dataclass(frozen=True, slots=True)
class Overview:
    """A workspace's tenants by status (B20); `avg_error_rate` is the mean over those with data, in
    percent with one decimal, 0.0 without any.
    """

    total: int
    healthy: int
    warning: int
    critical: int
    unknown: int
    avg_error_rate: float
