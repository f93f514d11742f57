"""For Django: a subclass of `TenantMiddleware` with your tenancy, named in `MIDDLEWARE`."""

import inspect
import time
from typing import Any, Callable, ClassVar, Optional

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from tenlyr.middleware._tenants import CurrentTenant, TenantError
from tenlyr.middleware.resolving import RequestView
from tenlyr.middleware.tenancy import Tenancy, as_current


class TenantMiddleware:
    """Gives each request its tenant, `request.tenant` too; a `TenantError` becomes its answer.

    Set `tenancy` in a subclass. Sync and async, as the rest of the stack is.
    """

    sync_capable = True
    async_capable = True
    tenancy: ClassVar[Tenancy]

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """One request."""
        if self._is_async:
            return self._answer_async(request)
        began = time.monotonic()
        tenant: Optional[CurrentTenant] = None
        response: Optional[HttpResponseBase] = None
        try:
            tenant = self.tenancy.find(view(request))
            self.tenancy.check(tenant)
            request.tenant = tenant  # type: ignore[attr-defined]
            with as_current(tenant):
                response = self._get_response(request)
        except TenantError as error:
            response = _refusal(error)
        finally:
            later = self._count(tenant, request, response, began)
        if later is not None:
            raise TypeError("an async buffer in a stack that is not")
        return response

    async def _answer_async(self, request: HttpRequest) -> Any:
        began = time.monotonic()
        tenant: Optional[CurrentTenant] = None
        response: Optional[HttpResponseBase] = None
        try:
            tenant = await self.tenancy.find_async(view(request))
            await self.tenancy.check_async(tenant)
            request.tenant = tenant  # type: ignore[attr-defined]
            with as_current(tenant):
                response = await self._get_response(request)
        except TenantError as error:
            response = _refusal(error)
        finally:
            later = self._count(tenant, request, response, began)
            if later is not None:
                await later
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> Optional[HttpResponseBase]:
        """A view's `TenantError`, which Django would answer with 500."""
        return _refusal(exception) if isinstance(exception, TenantError) else None

    def _count(
        self,
        tenant: Optional[CurrentTenant],
        request: HttpRequest,
        response: Optional[HttpResponseBase],
        began: float,
    ) -> Any:
        status = 500 if response is None else response.status_code
        later = self.tenancy.count(tenant, request.path, status, time.monotonic() - began)
        if later is not None and not self._is_async and inspect.iscoroutine(later):
            later.close()
        return later


def view(request: HttpRequest) -> RequestView:
    """A request as resolvers see it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = {name: str(request.GET[name]) for name in request.GET}
    host = headers.get("host", "")
    return RequestView(request.method or "", host, request.path, query, headers)


def _refusal(error: TenantError) -> JsonResponse:
    return JsonResponse(error.body, status=error.status)
