"""Background work of the data plane: thin, idempotent, ids only (R8)."""

from uuid import UUID

from celery import shared_task

from apps.dataplane import blocking, logins
from apps.dataplane.rollout import running
from tenlyr.core import tasks

# About when the sweep comes round again.
RESUMED_AGAIN_S = 30


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


@shared_task(name="dataplane.run_rollout")
def run_rollout(rollout_id: str) -> str:
    """Take a roll-out as far as it comes; answers how it stands."""
    return running.run(UUID(rollout_id)).status


@shared_task(name="dataplane.resume_rollouts")
def resume_rollouts() -> int:
    """Go on with roll-outs whose worker died or whose task was lost; answers how many."""
    left = running.abandoned()
    for rollout_id in left:
        tasks.resume("dataplane.run_rollout", str(rollout_id), expires_s=RESUMED_AGAIN_S)
    return len(left)
