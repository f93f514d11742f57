"""WHO they are: tenants, keys, plans, provisioning and lifecycle."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "apps.tenants"
    label = "tenants"

    def ready(self) -> None:
        from apps.metering import public as metering
        from apps.tenants import catalogue, keys, moving, purging
        from tenlyr.core import auth, registry
        from tenlyr.core.keys import Kind

        auth.load_with(Kind.TENANT, keys.load)
        auth.load_tenant_with(keys.load_tenant)
        metering.load_limits_with(catalogue.limits_of)
        registry.register(purging.HOLDING)
        registry.register(moving.HOLDING)
