"""Answers about tenants: who they are, what they use, how they are."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, List, Optional

from tenlyr._answers import Answer
from tenlyr._enums import (
    HealthStatus,
    IsolationLevel,
    TenantPlan,
    TenantStatus,
    UsageMetric,
    UsageMode,
)
from tenlyr._types_platform import Migration

__all__ = [
    "Tenant",
    "TenantPage",
    "CreatedTenant",
    "TenantWithKey",
    "DashboardTenant",
    "UsageEvent",
    "UsageMetrics",
    "TenantUsageMetric",
    "Standing",
    "Rollup",
    "Rollups",
    "UsageSummary",
    "BatchResult",
    "Batch",
    "TenantHealth",
    "Overview",
    "HealthOverview",
    "TenantBilling",
    "Portal",
    "FieldError",
]


@dataclass(frozen=True)
class Tenant(Answer):
    """A tenant as every answer shows it."""

    id: str
    name: str
    owner_email: str
    plan: TenantPlan
    status: TenantStatus
    region: str
    isolation_level: IsolationLevel
    api_key_prefix: str
    """The key's first 16 characters, for display."""
    last_active_at: Optional[datetime]
    """The tenant's last authenticated call, up to a minute late."""
    created_at: datetime


@dataclass(frozen=True)
class TenantPage(Answer):
    """A page of tenants, the newest first."""

    data: List[Tenant]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class CreatedTenant(Answer):
    """A new tenant with its key, and the migration to the level it is to have."""

    tenant: Tenant
    api_key: str = field(repr=False)
    migration: Optional[Migration] = None
    """Only for a tenant that is to have a database of its own."""


@dataclass(frozen=True)
class TenantWithKey(Answer):
    """A tenant with its new key: the only time the key is shown."""

    tenant: Tenant
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class DashboardTenant(Answer):
    """One tenant with usage of this month, health and money. A limit of None means any amount."""

    id: str
    name: str
    owner_email: str
    plan: TenantPlan
    status: TenantStatus
    region: str
    isolation_level: IsolationLevel
    api_calls: int
    storage_gb: float
    seats: int
    compute: int
    api_call_limit: Optional[int]
    storage_gb_limit: Optional[float]
    seats_limit: Optional[int]
    compute_limit: Optional[int]
    error_rate: Optional[float]
    """Percent; None while nothing is known."""
    request_rate: Optional[float]
    """Per minute; None while nothing is known."""
    sla_risk: bool
    rate_limit: Optional[int]
    """The throttle, in requests per minute."""
    health_status: HealthStatus
    mrr_cents: int
    usage_cost_cents: int


@dataclass(frozen=True)
class UsageEvent(Answer):
    """A usage event."""

    id: str
    tenant_id: str
    metric: UsageMetric
    value: float
    """Whole for all metrics but storage_gb."""
    endpoint: Optional[str]
    timestamp: datetime
    mode: Optional[UsageMode] = None
    status_code: Optional[int] = None
    billable: Optional[bool] = None
    """There with statusCode; false from 500 on."""
    success: Optional[bool] = None
    latency_ms: Optional[float] = None


@dataclass(frozen=True)
class UsageMetrics(Answer):
    """Use in the present period; storage and seats as they stand."""

    tenant_id: str
    api_calls: int
    storage_gb: float
    seats: int
    compute: int
    period: str
    """The calendar month in UTC, `yyyy-mm`."""


@dataclass(frozen=True)
class Standing(Answer):
    """One metric against its limit."""

    used: float
    limit: Optional[float]
    remaining: Optional[float]
    percentage: Optional[float]
    projected: float
    """At the period's end, if use goes on as it did."""
    exhausts_at: Optional[datetime]


@dataclass(frozen=True)
class Rollup(Answer):
    """One metric in one hour, day or month."""

    start: datetime
    metric: UsageMetric
    count: int
    errors: int
    value: float
    """The billable change."""


@dataclass(frozen=True)
class Rollups(Answer):
    """The last 48 hours, 35 days and 13 months; those without events are left out."""

    hourly: List[Rollup]
    daily: List[Rollup]
    monthly: List[Rollup]


@dataclass(frozen=True)
class UsageSummary(Answer):
    """Use against limits, where it leads, and what it was made of."""

    tenant_id: str
    period_start: datetime
    period_end: datetime
    metrics: Dict[str, Standing]
    """By metric."""
    rollups: Rollups


@dataclass(frozen=True)
class BatchResult(Answer):
    """What became of one event of a batch."""

    index: int
    status: int
    """201, or what the event alone had been answered."""
    id: Optional[str] = None
    """With 201."""
    code: Optional[str] = None
    message: Optional[str] = None


@dataclass(frozen=True)
class Batch(Answer):
    """What became of a batch; results in the order of the events."""

    accepted: int
    refused: int
    """By a limit, the throttle, or an outage."""
    duplicates: int
    """Answered with the first event of their id."""
    invalid: int
    results: List[BatchResult]


@dataclass(frozen=True)
class TenantHealth(Answer):
    """How a tenant is, by the events of its last minutes."""

    tenant_id: str
    tenant_name: str
    status: HealthStatus
    """critical above 10 % of errors, warning from 3 %, healthy below; unknown while no event says
    whether it failed.
    """
    error_rate: Optional[float]
    """Percent with one decimal; None while nothing is known."""
    request_rate: Optional[float]
    """Requests a minute; None while nothing is known."""
    p50_ms: Optional[float]
    """None without latencies."""
    p95_ms: Optional[float]
    """None without latencies."""
    sla_risk: bool
    """In warning and critical."""
    noisy_neighbour: bool
    """Its load is out of the usual, and felt by others."""
    rate_limit: Optional[int]
    """The throttle, in requests a minute."""
    checked_at: Optional[datetime]
    """The last scan."""
    since: Optional[datetime]
    """When the status began."""


@dataclass(frozen=True)
class Overview(Answer):
    """The workspace's tenants by status."""

    total: int
    healthy: int
    warning: int
    critical: int
    unknown: int
    avg_error_rate: float
    """Percent, over the tenants with data."""


@dataclass(frozen=True)
class TenantBilling(Answer):
    """What a tenant pays. Servers without billing answer 501: `TenlyrNotImplementedError`."""

    tenant_id: str
    plan: TenantPlan
    stripe_customer_id: Optional[str]
    stripe_subscription_id: Optional[str]
    subscription_status: Optional[str]
    mrr_cents: int
    """A month, in cents."""
    usage_cost_cents: int
    """Of this period, in cents."""
    currency: str
    current_period_start: Optional[datetime]
    current_period_end: Optional[datetime]
    payment_state: Optional[str]
    last_synced_at: Optional[datetime]


@dataclass(frozen=True)
class Portal(Answer):
    """Where a tenant changes its plan and finds its invoices."""

    url: str


@dataclass(frozen=True)
class FieldError(Answer):
    """One wrong field of a request."""

    field: str
    """Its name on the wire; of a list with its place."""
    code: str
    message: str


TenantUsageMetric = UsageMetrics
HealthOverview = Overview
