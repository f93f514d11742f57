"""The first net: a tenant-owned model is reachable inside a scope only; and what is migrated
where.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections
from django_tenants.routers import TenantSyncRouter

from apps.isolation import scopes
from apps.isolation.databases import aliases


class TenancyRouter(TenantSyncRouter):
    """Tenant-owned models follow the scope at hand; the others live in `public` on `default`."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self._alias(model)

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return self._alias(model)

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        if not aliases.is_owner(db):
            return False
        connection: Any = connections[db]
        if connection.schema_name == "public" and db != "owner":
            return False  # the control plane is in its own database only
        return self._is_tenant_owned(app_label) is not (connection.schema_name == "public")

    def _alias(self, model: Any) -> str | None:
        return scopes.require().alias if self._is_tenant_owned(model._meta.app_label) else None

    @staticmethod
    def _is_tenant_owned(app_label: str) -> bool:
        return apps.get_app_config(app_label).name in settings.TENANT_APPS
