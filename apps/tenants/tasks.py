"""Background work of tenants: thin, idempotent, ids only (R8)."""

from uuid import UUID

from celery import shared_task

from apps.tenants import activity, purging


@shared_task(name="tenants.purge")
def purge(tenant_id: str) -> bool:
    """Purge a deleted tenant."""
    return purging.purge(UUID(tenant_id))


@shared_task(name="tenants.sweep_deleted")
def sweep_deleted() -> int:
    """Finish purges that are due, and resume those that were interrupted."""
    return purging.sweep()


@shared_task(name="tenants.flush_last_active")
def flush_last_active() -> int:
    """Write down when tenants last called."""
    return activity.flush()
