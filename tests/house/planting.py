"""What the walk over all routes finds: a record of each kind, all of one id."""

from apps.health import sealing
from apps.health.models import Alert, Channel
from apps.isolation.public import Move
from apps.prover.models import Proof
from tenlyr.core import clock
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
    return customer
