"""How many tenants a workspace may have, counted one after the other (X13)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from apps.workspaces.models import Workspace
from apps.workspaces.plans import TENANT_LIMITS, WorkspacePlan
from apps.workspaces.public import tenant_limit
from tests import cast
from tests.core.threads import closing, together, until


@pytest.mark.parametrize(
    ("plan", "limit"), [("starter", 5), ("growth", 100), ("scale", None), ("enterprise", None)]
)
def test_the_plans_limits(plan: str, limit: int | None) -> None:
    account = cast.workspace(plan)
    with transaction.atomic():
        assert tenant_limit(account.id) == limit
    assert set(TENANT_LIMITS) == set(WorkspacePlan)


def _is_locked(workspace_id: object) -> bool:
    """Whether another transaction would have to wait for the workspace."""
    try:
        with transaction.atomic():
            Workspace.objects.select_for_update(nowait=True).get(pk=workspace_id)
    except OperationalError:
        return True
    return False


@pytest.mark.parametrize(("plan", "waits"), [("starter", True), ("enterprise", False)])
def test_only_a_limited_workspace_is_locked(plan: str, waits: bool) -> None:
    account = cast.workspace(plan)
    with transaction.atomic():
        tenant_limit(account.id)
        assert together([lambda: _is_locked(account.id)]) == [waits]
    assert not _is_locked(account.id)


def test_a_plan_changed_while_we_waited_is_the_one_that_counts() -> None:
    account = cast.workspace("starter")

    def ask() -> int | None:
        with transaction.atomic():
            return tenant_limit(account.id)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Workspace.objects.filter(pk=account.id).update(plan="growth")
            waiting = pool.submit(closing(ask))
            until(_somebody_waits)
        assert waiting.result(20) == 100


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
