"""What an export holds, and whose (B12, R17, B31)."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from apps.audit.models import AuditEntry
from apps.dashboard import exporting
from apps.dashboard.exporting import Format
from apps.tenants.public import TenantNotFound
from tenlyr.core import registry
from tenlyr.core.registry import Holding
from tests.cast import Customer


def export(tenant: Customer) -> dict[str, Any]:
    made = exporting.export(tenant.workspace.id, tenant.id, Format.JSON)
    found: dict[str, Any] = json.loads(b"".join(made.pieces))
    return found


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(registry, "_holdings", dict(registry._holdings))

    def add(name: str, rows: Callable[[UUID], Iterator[Any]] | None) -> None:
        registry.register(Holding(name, (), rows, lambda _tenant: 0))

    return add


def test_the_promised_sections_come_first_and_are_always_there(acme: Customer) -> None:
    found = export(acme)
    assert list(found)[:4] == ["metadata", "usage", "health", "billing"]
    assert list(found)[-1] == "manifest"
    assert {"events", "audit"} <= set(found)


def test_metadata_is_the_tenant_as_the_api_shows_it(acme: Customer) -> None:
    metadata = export(acme)["metadata"]
    assert metadata.pop("exportedAt")
    assert metadata == acme.body


def test_a_new_holding_is_exported_without_a_word(
    acme: Customer, hold: Callable[..., None]
) -> None:
    hold("cellar", lambda tenant_id: iter([{"bottle": str(tenant_id)}]))
    assert export(acme)["cellar"] == [{"bottle": str(acme.id)}]


def test_a_holding_takes_the_place_promised_to_it(
    acme: Customer, hold: Callable[..., None]
) -> None:
    hold("billing", lambda _tenant: iter([{"paid": True}]))
    found = export(acme)
    assert list(found)[3] == "billing"
    assert found["billing"] == [{"paid": True}]


def test_a_holding_with_nothing_to_show_is_left_out(
    acme: Customer, hold: Callable[..., None]
) -> None:
    hold("cellar", None)
    assert "cellar" not in export(acme)


def test_no_other_tenants_rows_are_in_it(
    acme: Customer, globex: Customer, stranger: Customer
) -> None:
    text = json.dumps(export(acme))
    assert str(acme.id) in text
    for other in (globex, stranger):
        assert str(other.id) not in text
        assert other.body["ownerEmail"] not in text


def test_it_is_on_the_record(acme: Customer) -> None:
    exporting.export(acme.workspace.id, acme.id, Format.ZIP)
    entry = AuditEntry.objects.filter(tenant_id=acme.id).latest("seq")
    assert (entry.body["action"], entry.body["details"]) == ("tenant.exported", {"format": "zip"})


def test_another_workspaces_tenant_is_unknown(acme: Customer, stranger: Customer) -> None:
    with pytest.raises(TenantNotFound):
        exporting.export(acme.workspace.id, stranger.id, Format.JSON)
    assert not AuditEntry.objects.filter(
        tenant_id=stranger.id, body__action="tenant.exported"
    ).exists()


def test_what_fails_at_once_is_an_error_and_not_half_a_file(
    acme: Customer, hold: Callable[..., None]
) -> None:
    def fail(_tenant: UUID) -> Iterator[Any]:
        raise OSError("the cellar is locked")

    hold("usage", fail)
    with pytest.raises(OSError, match="locked"):
        exporting.export(acme.workspace.id, acme.id, Format.JSON)
