"""Who may call an endpoint: each view names one of these, and a view that names none is closed."""

from typing import Any

from rest_framework.permissions import BasePermission

from tenlyr.core import errors
from tenlyr.core.principal import Principal


class Nobody(BasePermission):
    """The default: closed until a view says otherwise."""

    def has_permission(self, request: Any, view: Any) -> bool:
        raise errors.InsufficientScope(internal="view without permission")


class AdminKey(BasePermission):
    """A workspace's admin key."""

    def has_permission(self, request: Any, view: Any) -> bool:
        principal: Principal = request.user
        if not principal.is_admin:
            raise errors.InsufficientScope("This endpoint needs an admin key.")
        return True


class TenantKey(BasePermission):
    """A tenant's key, or an admin key that acts as a tenant by X-Tenant-ID (X18)."""

    def has_permission(self, request: Any, view: Any) -> bool:
        principal: Principal = request.user
        return bool(principal.tenant)


class AnyKey(BasePermission):
    """Either kind; the view narrows what a tenant sees (X4)."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return True
