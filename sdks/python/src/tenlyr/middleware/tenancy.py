"""How requests get their tenant: one object that every framework's adapter takes."""

import inspect
from contextlib import contextmanager
from typing import Any, Awaitable, Callable, Iterator, Optional, Sequence, Union

from tenlyr._buffer import TrackBuffer
from tenlyr._buffer_sync import TrackBufferSync
from tenlyr.middleware._cache import Cache
from tenlyr.middleware._tenants import CurrentTenant, TenantNotFoundError, _current
from tenlyr.middleware.checks import Check, require_active, run_checks
from tenlyr.middleware.resolving import RequestView, Resolver

Lookup = Callable[[str], Union[Optional[CurrentTenant], Awaitable[Optional[CurrentTenant]]]]


class Tenancy:
    """Finds the tenant of each request, checks it, and counts the request.

    - `resolve`: how a request names its tenant; of several the first that names one.
    - `lookup`: the tenant by what the request names; None when there is none. Kept for `cache_s`
      seconds; `forget` ends that sooner.
    - `checks`: what must hold, in this order.
    - `track`: a buffer; every response is sent to it with its status and time, as an `api_call` at
      its path. Let it drop when it is full: a request must not wait for it.
    - `optional`: whether requests that name no tenant go on without one.
    - `skip`: requests that are none of a tenant's, such as probes.

    With Django (sync), Flask and other WSGI everything must be sync; with ASGI all may be async.
    """

    def __init__(
        self,
        resolve: Union[Resolver, Sequence[Resolver]],
        lookup: Lookup,
        *,
        checks: Sequence[Check] = (require_active,),
        track: Union[TrackBuffer, TrackBufferSync, None] = None,
        cache_s: float = 60.0,
        optional: bool = False,
        skip: Callable[[RequestView], bool] = lambda request: False,
    ) -> None:
        self._resolvers = [resolve] if callable(resolve) else list(resolve)
        self._lookup = lookup
        self._checks = checks
        self._buffer = track
        self._cache: Cache[CurrentTenant] = Cache(cache_s)
        self._optional = optional
        self._skip = skip

    def forget(self, slug: str) -> None:
        """Look a tenant up anew, at its next request."""
        self._cache.forget(slug)

    def find(self, request: RequestView) -> Optional[CurrentTenant]:
        """The request's tenant, unchecked; TenantNotFoundError without one."""
        if self._skip(request):
            return None
        named = (_now(resolve(request)) for resolve in self._resolvers)
        slug = next(filter(None, named), None)
        kept = self._known(slug)
        if kept is not None or slug is None:
            return kept
        return self._learnt(slug, _now(self._lookup(slug)))

    async def find_async(self, request: RequestView) -> Optional[CurrentTenant]:
        """`find` where things can be awaited."""
        if self._skip(request):
            return None
        slug = None
        for resolve in self._resolvers:
            slug = slug or await _later(resolve(request))
        kept = self._known(slug)
        if kept is not None or slug is None:
            return kept
        return self._learnt(slug, await _later(self._lookup(slug)))

    def _known(self, slug: Optional[str]) -> Optional[CurrentTenant]:
        if slug is None and not self._optional:
            raise TenantNotFoundError
        return None if slug is None else self._cache.get(slug)

    def _learnt(self, slug: str, tenant: Optional[CurrentTenant]) -> CurrentTenant:
        if tenant is None:
            raise TenantNotFoundError
        self._cache.put(slug, tenant)
        return tenant

    def check(self, tenant: Optional[CurrentTenant]) -> None:
        """All checks; a `TenantError` when one does not hold."""
        if tenant is not None:
            run_checks(self._checks, tenant)

    async def check_async(self, tenant: Optional[CurrentTenant]) -> None:
        """`check` where things can be awaited."""
        for check in self._checks if tenant is not None else ():
            assert tenant is not None, "checked just now"
            await _later(check(tenant))

    def count(
        self, tenant: Optional[CurrentTenant], path: str, status: int, took_s: float
    ) -> Optional[Awaitable[Any]]:
        """Send a response to the buffer; what it answers is awaited where that can be done."""
        if self._buffer is None or tenant is None or tenant.key is None:
            return None
        counted = self._buffer.track(
            tenant_key=tenant.key,
            metric="api_call",
            value=1,
            endpoint=path[:255],
            status_code=status,
            latency_ms=round(took_s * 1000, 3),
        )
        return counted if inspect.isawaitable(counted) else None


@contextmanager
def as_current(tenant: Optional[CurrentTenant]) -> Iterator[None]:
    """Within it `current_tenant()` answers this one."""
    token = _current.set(tenant)
    try:
        yield
    finally:
        _current.reset(token)


def _now(value: Any) -> Any:
    """A value that is there; TypeError when it would have to be awaited."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise TypeError("an async resolver or lookup in a framework that is not")
    return value


async def _later(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
