"""Background work of the data plane: thin, idempotent, ids only (R8)."""

from uuid import UUID

from celery import shared_task

from apps.dataplane import blocking, logins


@shared_task(name="dataplane.sweep_logins")
def sweep_logins() -> int:
    """Remove the roles of credentials whose time is over."""
    return logins.sweep()


@shared_task(name="dataplane.block")
def block(tenant_id: str) -> bool:
    """Tell a database of the tenant's own that the tenant is suspended, or active again."""
    return blocking.tell(UUID(tenant_id))


@shared_task(name="dataplane.block_all")
def block_all() -> int:
    """The same for whom no message came through."""
    return blocking.tell_all()
