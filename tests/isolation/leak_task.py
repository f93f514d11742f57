"""A task such as any app has: it gets a tenant's id as text and opens the scope itself."""

from uuid import UUID

from celery import shared_task

from apps.isolation.public import scope
from tests.isolation.probe import Probe


@shared_task(name="tests.read")
def read(tenant_id: str) -> list[tuple[str, str]]:
    """Some rows of the tenant's."""
    with scope(UUID(tenant_id), read_only=True):
        rows = Probe.objects.values_list("tenant_id", "note")[:20]
        return [(str(owner), note) for owner, note in rows]
