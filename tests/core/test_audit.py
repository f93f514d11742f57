"""The port to the audit trail: in the act's transaction, with its actor, or not at all (R15)."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tenlyr.core import audit, context
from tenlyr.core.audit import Entry
from tests.core.transactions import undone

WORKSPACE, TENANT = uuid4(), uuid4()


@pytest.fixture
def kept() -> Iterator[list[Entry]]:
    """What a keeper of the test's own is given."""
    found: list[Entry] = []
    before = audit._sinks[:]
    audit.keep_with(found.append)
    yield found
    audit._sinks[:] = before


def test_an_entry_says_who_did_what_to_whom_and_from_where(kept: list[Entry]) -> None:
    here = context.RequestContext("r-1", "203.0.113.7", "curl", "admin_key", "17")
    context.begin(here)
    with undone():
        audit.record(
            "tenant.suspended", workspace_id=WORKSPACE, tenant_id=TENANT, reason="unpaid", days=3
        )
    context.begin(context.RequestContext())
    assert kept == [
        Entry(
            "tenant.suspended",
            WORKSPACE,
            TENANT,
            reason="unpaid",
            details={"days": 3},
            actor=here,
        )
    ]


def test_outside_a_request_the_system_did_it(kept: list[Entry]) -> None:
    with undone():
        audit.record("tenant.purged", workspace_id=WORKSPACE)
    assert (kept[0].actor.actor_type, kept[0].result) == ("system", "ok")


def test_outside_a_transaction_it_is_refused(kept: list[Entry]) -> None:
    with pytest.raises(RuntimeError, match=r"tenant\.purged"):
        audit.record("tenant.purged", workspace_id=WORKSPACE)
    assert kept == []


def test_without_a_keeper_it_is_refused(kept: list[Entry]) -> None:
    audit._sinks.clear()
    with undone(), pytest.raises(RuntimeError, match="audit app"):
        audit.record("tenant.purged", workspace_id=WORKSPACE)


def test_the_product_has_one_keeper() -> None:
    assert [sink.__module__ for sink in audit._sinks] == ["apps.audit.trail"]
