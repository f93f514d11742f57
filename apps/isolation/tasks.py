"""Background work of isolation."""

from uuid import UUID

from celery import shared_task

from apps.isolation import placing
from apps.isolation.databases import providing, upgrading
from apps.isolation.moves import purging, running, watching
from tenlyr.core import tasks

# A run ends well before its message would be delivered again; the sweep begins the next one.
RUN_BUDGET_S = 900
RUN_LIMIT_S = 1_700
# About when the sweep comes round again.
RESUMED_AGAIN_S = 15


@shared_task(name="isolation.refill")
def refill() -> int:
    """Keep the pool of warm schemas full."""
    return placing.refill()


@shared_task(name="isolation.retire_databases")
def retire_databases() -> int:
    """Take back the databases that nobody lives in any more; answers how many went."""
    return providing.retire_left()


@shared_task(name="isolation.upgrade_databases")
def upgrade_databases() -> int:
    """Bring up the databases that were away at the set-up; answers how many schemas it was."""
    return upgrading.retry()


@shared_task(name="isolation.run_move", time_limit=RUN_LIMIT_S)
def run_move(move_id: str) -> str:
    """Take a move as far as it comes in one run; answers how it stands."""
    return running.run_move(UUID(move_id), budget_s=RUN_BUDGET_S).status


@shared_task(name="isolation.resume_moves")
def resume_moves() -> int:
    """Go on with moves whose worker died or whose task was lost; answers how many."""
    left = watching.abandoned()
    for move_id in left:
        tasks.resume("isolation.run_move", str(move_id), expires_s=RESUMED_AGAIN_S)
    return len(left)


@shared_task(name="isolation.purge_moved", time_limit=RUN_LIMIT_S)
def purge_moved() -> int:
    """Remove sources whose grace is over and what failed moves left; answers how many."""
    return purging.tidy_failed() + purging.purge_due()
