"""Every type of event has an example, and what is emitted is like it (E1-E5, E7)."""

import json
import re
from datetime import timedelta

import pytest

from apps.tenants import lifecycle
from apps.tenants.plans import TenantPlan
from apps.webhooks import describing
from apps.webhooks.catalogue import CATALOGUE, NOT_YET, Entry, envelope
from apps.webhooks.models import OutboxEvent
from tenlyr.core import ids
from tenlyr.core.events import EventType
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint
from tests.cast import Customer
from tests.webhooks.conformance import differences

SAMPLE = Entry("now and then", {"a": 1, "b": "x", "c": True}, frozenset({"b"}), frozenset({"c"}))


def test_no_type_is_without_an_entry_and_none_is_left_over() -> None:
    assert list(CATALOGUE) == list(EventType)


@pytest.mark.parametrize("kind", EventType)
def test_an_example_is_a_whole_envelope_in_json(kind: EventType) -> None:
    shown = json.loads(json.dumps(envelope(kind)))
    assert list(shown) == ["id", "type", "createdAt", "data"]
    assert shown["type"] == kind
    assert len(shown["id"]) == len(ids.event_id())
    assert re.fullmatch(r"evt_[0-9A-HJKMNP-TV-Z]{26}", shown["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["createdAt"])
    assert CATALOGUE[kind].optional | CATALOGUE[kind].nullable <= set(shown["data"])


def test_the_page_shows_what_is_emitted() -> None:
    page = describing.page()
    for kind, entry in CATALOGUE.items():
        assert (f"\n### {kind}\n" in page) == (entry.when != NOT_YET)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": 1, "b": "y", "c": False}, []),
        ({"a": 1.5, "c": None}, []),
        ({"b": "y", "c": False}, ["a is missing"]),
        ({"a": 1, "c": True, "d": 0}, ["d is not documented"]),
        ({"a": True, "c": True}, ["a is True, not like 1"]),
        ({"a": None, "c": True}, ["a is None, not like 1"]),
        ({"a": 1, "c": "x"}, ["c is 'x', not like True"]),
    ],
)
def test_what_differs_is_seen(data: dict[str, object], said: list[str]) -> None:
    assert list(differences(SAMPLE, data)) == said


def test_what_is_said_not_to_be_emitted_must_not_be() -> None:
    assert list(differences(Entry(NOT_YET, {}), {})) == ["it is said not to be emitted yet"]


def test_a_tenants_life_is_as_documented(acme: Customer) -> None:
    """Each event of it was compared with its entry when it was emitted."""
    who = {"workspace_id": acme.workspace.id, "tenant_id": acme.id}
    lifecycle.suspend(**who, reason="unpaid")
    lifecycle.reactivate(**who)
    lifecycle.suspend(**who)
    lifecycle.reactivate(**who)
    lifecycle.change_plan(**who, plan=TenantPlan.ENTERPRISE)
    lifecycle.rotate_key(**who, minted=mint(Kind.TENANT))
    lifecycle.rotate_key(**who, minted=mint(Kind.TENANT), grace=timedelta(days=1))
    lifecycle.terminate(**who)
    lifecycle.delete(**who)
    rows = OutboxEvent.objects.filter(tenant_id=acme.id)
    lived = {kind for kind in EventType if kind.startswith("tenant.")}
    assert set(rows.values_list("type", flat=True)) == lived
    for row in rows:
        assert list(differences(CATALOGUE[EventType(row.type)], row.data)) == []
