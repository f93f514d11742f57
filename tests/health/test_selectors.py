"""Reads of health: of one workspace, and of nobody else's tenants (B1, B20, B21)."""

import pytest

from apps.health import public, selectors
from apps.health.models import Progress
from apps.tenants.public import TenantNotFound
from tenlyr.core import ids
from tests import cast
from tests.cast import Account, Customer
from tests.health.support import MINUTE, calls, quiet_hour, scan, send


def test_before_the_first_scan_nothing_is_known(workspace: Account) -> None:
    Progress.objects.all().delete()
    tenant = cast.tenant(workspace)
    found = public.of(workspace.id, tenant.id)
    assert (found.tenant.id, found.health) == (tenant.id, public.Health(tenant.id))
    assert found.health.checked_at is None
    assert public.overview(workspace.id) == public.Overview(1, 0, 0, 0, 1, 0.0)


def test_every_tenant_asked_for_is_in_the_answer(acme: Customer) -> None:
    nobody = ids.uuid7()
    found = public.statuses([acme.id, nobody])
    assert list(found) == [acme.id, nobody]
    assert found[nobody].status == "unknown"
    assert public.statuses([]) == {}


def test_pages_newest_tenant_first(workspace: Account) -> None:
    made = [cast.tenant(workspace, f"Tenant {number}") for number in range(5)]
    now = quiet_hour() + 10 * MINUTE
    send(made[1], *calls(now - MINUTE, 10, errors=5))
    scan(now)
    first = public.page(workspace.id, limit=3, cursor=None)
    rest = public.page(workspace.id, limit=3, cursor=first.next_cursor)
    rows = [*first.rows, *rest.rows]
    assert [row.tenant.id for row in rows] == [one.id for one in reversed(made)]
    assert [row.health.status for row in rows] == ["unknown"] * 3 + ["critical", "unknown"]
    assert rest.next_cursor is None


def test_anothers_tenant_is_as_unknown_as_none(acme: Customer, stranger: Customer) -> None:
    for who in (stranger.id, ids.uuid7()):
        with pytest.raises(TenantNotFound):
            selectors.of(acme.workspace.id, who)


def test_the_mean_is_that_of_tenants_with_data(workspace: Account, stranger: Customer) -> None:
    now = quiet_hour() + 10 * MINUTE
    for errors in (0, 1, 100):
        send(cast.tenant(workspace, plan="growth"), *calls(now - MINUTE, 100, errors))
    silent = cast.tenant(workspace)
    send(silent, *calls(now - MINUTE, 10, statusCode=None))
    send(stranger, *calls(now - MINUTE, 10, errors=10))
    scan(now)
    assert public.overview(workspace.id) == public.Overview(4, 2, 0, 1, 1, 33.7)
