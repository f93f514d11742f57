"""The sweep for moves that nobody runs."""

from django.db import transaction

from apps.isolation import tasks
from apps.isolation.public import Level, run_move, start_move
from tests import cast
from tests.cast import Account
from tests.core import messages


def test_a_message_to_go_on_does_not_outlive_the_next_one(workspace: Account) -> None:
    """While workers are away the sweep must not fill the broker."""
    tenant = cast.tenant(workspace, plan="enterprise")
    with transaction.atomic():
        move = start_move(
            workspace_id=workspace.id, tenant_id=tenant.id, target=Level.DEDICATED_SCHEMA
        )
    already = len(messages.waiting(move.id))
    assert tasks.resume_moves() >= 1
    (task, left_s) = messages.waiting(move.id)[already]
    assert task == "isolation.run_move"
    assert left_s is not None
    assert left_s <= tasks.RESUMED_AGAIN_S
    assert run_move(move.id).status == "completed"
