"""What must hold before a request goes on: active, of a plan, within its quota."""

import functools
import inspect
from typing import Any, Awaitable, Callable, Mapping, NamedTuple, Optional, TypeVar, Union, cast

from tenlyr._answers import Answer
from tenlyr._client import Tenlyr
from tenlyr._sync._client import TenlyrSync
from tenlyr._types import Standing
from tenlyr.middleware._cache import Cache
from tenlyr.middleware._tenants import (
    CurrentTenant,
    PlanRequiredError,
    QuotaExceededError,
    TenantInactiveError,
    TenantSuspendedError,
    current_tenant,
)

F = TypeVar("F", bound=Callable[..., Any])
Check = Callable[[CurrentTenant], Optional[Awaitable[None]]]
"""Raises a `TenantError` when the tenant may not go on."""
PLANS = ("starter", "growth", "scale", "enterprise")


class Used(NamedTuple):
    """How much of a metric is used, and how much may be; a limit of None is any amount."""

    used: float
    limit: Optional[float]


CheckUsage = Callable[[CurrentTenant], Union[Used, Awaitable[Used]]]


def require_active(tenant: CurrentTenant) -> None:
    """TenantSuspendedError or TenantInactiveError unless the tenant is active."""
    if tenant.status == "suspended":
        raise TenantSuspendedError
    if tenant.status != "active":
        raise TenantInactiveError


def require_plan(plan: str) -> Check:
    """A check that the tenant is on this plan or a higher one."""
    lowest = PLANS.index(plan)

    def check(tenant: CurrentTenant) -> None:
        if tenant.plan not in PLANS[lowest:]:
            raise PlanRequiredError(plan=plan)

    return check


def enforce_quota(metric: str, check_usage: CheckUsage, *, cache_s: float = 5.0) -> Check:
    """A check that there is some of a metric left, by what `check_usage` says.

    An answer is believed for `cache_s` seconds. The exact limit is Tenlyr's own, at `usage.track`.
    """
    cache: Cache[Used] = Cache(cache_s)

    async def later(tenant: CurrentTenant, found: Awaitable[Used]) -> None:
        used = await found
        cache.put(tenant.id, used)
        _within(metric, used)

    def check(tenant: CurrentTenant) -> Optional[Awaitable[None]]:
        kept = cache.get(tenant.id)
        if kept is not None:
            _within(metric, kept)
            return None
        found = check_usage(tenant)
        if inspect.isawaitable(found):
            return later(tenant, found)
        cache.put(tenant.id, found)
        _within(metric, found)
        return None

    return check


def _within(metric: str, found: Used) -> None:
    if found.limit is not None and found.used >= found.limit:
        raise QuotaExceededError(metric, found.limit, found.used)


def check_quotas(quotas: Mapping[str, float], used: Mapping[str, float]) -> None:
    """QuotaExceededError for the first metric of which as much is used as may be."""
    for metric, limit in quotas.items():
        _within(metric, Used(used.get(metric, 0), limit))


def usage_by(client: Union[Tenlyr, TenlyrSync], metric: str) -> CheckUsage:
    """A `check_usage` that asks Tenlyr, with the tenant's own key."""

    def check_usage(tenant: CurrentTenant) -> Union[Used, Awaitable[Used]]:
        summary = client.usage.summary(tenant.key or "")
        if isinstance(summary, Answer):
            return _standing(summary.metrics.get(metric))

        async def later() -> Used:
            return _standing((await summary).metrics.get(metric))

        return later()

    return check_usage


def _standing(standing: Optional[Standing]) -> Used:
    return Used(0, None) if standing is None else Used(standing.used, standing.limit)


def requires(*checks: Check) -> Callable[[F], F]:
    """Let a view run only when all checks hold for the current tenant."""

    def decorate(view: F) -> F:
        if inspect.iscoroutinefunction(view):

            @functools.wraps(view)
            async def checked_async(*args: Any, **kwargs: Any) -> Any:
                for check in checks:
                    later = check(current_tenant())
                    if later is not None:
                        await later
                return await view(*args, **kwargs)

            return cast(F, checked_async)

        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            run_checks(checks, current_tenant())
            return view(*args, **kwargs)

        return cast(F, checked)

    return decorate


def run_checks(checks: Any, tenant: CurrentTenant) -> None:
    """Run checks where nothing can be awaited; TypeError when one would have to be."""
    for check in checks:
        later = check(tenant)
        if later is not None:
            later.close()
            raise TypeError("an async check in a framework that is not")
