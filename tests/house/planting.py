"""What the walk over all routes finds: a record of each kind, all of one id."""

from apps.health import sealing
from apps.health.models import Alert, Channel
from apps.isolation.public import Move
from apps.prover.models import Proof
from apps.webhooks.models import Delivery, Endpoint
from tenlyr.core import clock, ids
from tests.cast import Customer


def planted(customer: Customer) -> Customer:
    """The tenant, once moved, proved and alerted of: all records bear the tenant's own id, so that
    one id fits all paths.
    """
    Move.objects.create(
        id=customer.id,
        tenant_id=customer.id,
        workspace_id=customer.workspace.id,
        from_level="dedicated_schema",
        to_level="shared_schema",
        status="failed",
    )
    Proof.objects.create(
        id=customer.id,
        workspace_id=customer.workspace.id,
        cause="command",
        status="broken",
        finished_at=clock.now(),
    )
    Alert.objects.create(
        id=customer.id,
        workspace_id=customer.workspace.id,
        tenant_id=customer.id,
        type="planted",
        severity="info",
        created_at=clock.now(),
        last_at=clock.now(),
    )
    Channel.objects.create(
        id=customer.id,
        workspace_id=customer.workspace.id,
        kind="email",
        shown="a@example.com",
        sealed=sealing.sealed("a@example.com", ""),
    )
    return with_an_endpoint(customer)


def with_an_endpoint(customer: Customer) -> Customer:
    """An endpoint of the tenant's, and a delivery to it, with the same id again."""
    of = {"workspace_id": customer.workspace.id, "tenant_id": customer.id}
    Endpoint.objects.get_or_create(
        id=customer.id, defaults={**of, "url": "http://127.0.0.1:9/", "events": ["*"]}
    )
    Delivery.objects.get_or_create(
        id=customer.id,
        defaults={
            **of,
            "event_id": ids.event_id(),
            "event_at": clock.now(),
            "endpoint_id": customer.id,
            "lane": customer.id,
            "type": "tenant.suspended",
            "status": "delivered",
        },
    )
    return customer


def uproot_endpoints() -> None:
    """Leave none of them to whoever sends deliveries."""
    made = Endpoint.objects.filter(url="http://127.0.0.1:9/")
    mine = Delivery.objects.filter(endpoint_id__in=list(made.values_list("pk", flat=True)))
    mine.filter(status="pending").update(status="cancelled")
    made.delete()
