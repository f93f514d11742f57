"""Reads: always of one workspace, in a number of queries that does not grow (B2, B4, X39)."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.tenants import catalogue, selectors
from apps.tenants.errors import TenantNotFound
from apps.tenants.models import Tenant
from apps.tenants.plans import TenantPlan
from apps.tenants.selectors import Filter
from apps.tenants.states import Status
from tenlyr.core import errors, ids
from tenlyr.core.paging import Page
from tests import cast
from tests.cast import Account, Customer
from tests.core import threads
from tests.tenants.support import at_once


def page(workspace: Account, which: Filter | None = None, **more: object) -> Page:
    given = {"route": "tests", "limit": 50, "cursor": None, **more}
    return selectors.page(workspace.id, which or Filter(), **given)  # type: ignore[arg-type]


def walk(workspace: Account, limit: int) -> Iterator[list[object]]:
    cursor = None
    while True:
        found = page(workspace, limit=limit, cursor=cursor)
        yield [tenant.id for tenant in found.rows]
        cursor = found.next_cursor
        if cursor is None:
            return


def test_one_with_its_level(acme: Customer, globex: Customer) -> None:
    assert selectors.get(acme.workspace.id, acme.id).isolation_level == "shared_schema"
    assert selectors.get(acme.workspace.id, globex.id).isolation_level == "dedicated_schema"


def test_another_workspaces_is_unknown(acme: Customer, stranger: Customer) -> None:
    for tenant_id in (stranger.id, ids.uuid7()):
        with pytest.raises(TenantNotFound):
            selectors.get(acme.workspace.id, tenant_id)


def test_a_description_has_the_documented_fields(acme: Customer) -> None:
    described = selectors.describe(selectors.get(acme.workspace.id, acme.id))
    assert tuple(described) == selectors.SHOWN
    assert described["plan"] == "growth"


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_hold_every_tenant_once_newest_first(workspace: Account, limit: int) -> None:
    made = [cast.tenant(workspace).id for _ in range(6)]
    pages = list(walk(workspace, limit))
    assert [tenant for one in pages for tenant in one] == made[::-1]
    assert [len(one) for one in pages[:-1]] == [limit] * (len(pages) - 1)


def test_a_tenant_made_meanwhile_moves_no_page(workspace: Account) -> None:
    made = [cast.tenant(workspace).id for _ in range(3)]
    first = page(workspace, limit=2)
    cast.tenant(workspace)
    second = page(workspace, limit=2, cursor=first.next_cursor)
    assert [tenant.id for tenant in [*first.rows, *second.rows]] == made[::-1]
    assert second.next_cursor is None


def test_a_page_costs_two_queries_however_long(workspace: Account) -> None:
    costs = []
    for _ in range(2):
        cast.tenant(workspace)
        cast.tenant(workspace, isolation_level="dedicated_schema")
        with CaptureQueriesContext(connection) as queries:
            found = page(workspace)
            assert [tenant.plan for tenant in found.rows]
        costs.append(len(queries))
    assert costs == [2, 2]


def test_filters_narrow(workspace: Account) -> None:
    growth = cast.tenant(workspace, plan="growth", owner_email="Grown@Example.com")
    starter = cast.tenant(workspace, plan="starter")
    found = {
        Filter(): {growth.id, starter.id},
        Filter(plan=TenantPlan.GROWTH): {growth.id},
        Filter(plan=TenantPlan.SCALE): set(),
        Filter(status=Status.ACTIVE): {growth.id, starter.id},
        Filter(status=Status.SUSPENDED): set(),
        Filter(owner_email="gROWN@eXAMPLE.COM"): {growth.id},
        Filter(owner_email="grown@example.co"): set(),
        Filter(owner_email="grown@example.com", plan=TenantPlan.STARTER): set(),
    }
    for which, wanted in found.items():
        assert {tenant.id for tenant in page(workspace, which).rows} == wanted, which


def test_a_cursor_fits_its_own_list_only(workspace: Account) -> None:
    """B08: of another route, filter or workspace, a cursor is none."""
    for _ in range(2):
        cast.tenant(workspace)
    cursor = page(workspace, limit=1).next_cursor
    assert cursor is not None
    assert page(workspace, limit=1, cursor=cursor).rows
    changed = cursor[:-8] + "AAAAAAA="
    others: list[tuple[Account, dict[str, Any]]] = [
        (workspace, {"which": Filter(status=Status.ACTIVE), "cursor": cursor}),
        (workspace, {"route": "elsewhere", "cursor": cursor}),
        (cast.workspace(), {"cursor": cursor}),
        (workspace, {"cursor": changed}),
    ]
    for account, given in others:
        with pytest.raises(errors.InvalidCursor):
            page(account, **given)


def test_an_address_finds_its_tenant(acme: Customer) -> None:
    address = str(acme.body["ownerEmail"])
    assert selectors.id_by_email(acme.workspace.id, address.upper()) == acme.id
    assert selectors.id_by_email(cast.workspace().id, address) is None


def test_a_tenant_whose_plan_changes_while_we_wait_for_it_is_found(acme: Customer) -> None:
    """With a join in the locking query it would be none: Postgres checks it anew after the wait."""
    who = (acme.workspace.id, acme.id)
    is_changed = threading.Event()

    def change() -> None:
        with transaction.atomic():
            tenant = selectors.locked(*who)
            tenant.plan_version = catalogue.current(acme.workspace.id, TenantPlan.SCALE)
            tenant.save(update_fields=["plan_version"])
            is_changed.set()
            threads.until(somebody_waits_for_us)

    def read() -> Tenant:
        is_changed.wait(threads.BOUND_S)
        with transaction.atomic():
            return selectors.locked(*who)

    changed, found = at_once(2, lambda number: (change, read)[number]())
    assert changed is None
    assert isinstance(found, Tenant), found
    assert found.plan is TenantPlan.SCALE


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])
