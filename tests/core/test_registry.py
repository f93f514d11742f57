"""One registry of everything that holds a tenant's data (R17)."""

import json
from collections.abc import Iterator

import pytest

from tenlyr.core import registry
from tenlyr.core.api import wire
from tenlyr.core.registry import Holding
from tests.cast import Customer


@pytest.fixture
def shelf() -> Iterator[None]:
    """Whatever the test registers is gone afterwards."""
    before = dict(registry._holdings)
    yield
    registry._holdings.clear()
    registry._holdings.update(before)


def test_a_holding_is_found_in_order_and_once(shelf: None) -> None:
    one = Holding("tests one", ("a",), None, lambda tenant_id: 0)
    two = Holding("tests two", ("b", "c"), None, lambda tenant_id: 2)
    for holding in (one, two, one):
        registry.register(holding)
    assert registry.holdings()[-2:] == (one, two)


def test_all_that_is_held_of_a_tenant_can_go_over_the_wire(acme: Customer) -> None:
    for holding in registry.holdings():
        assert holding.tables
        rows = [] if holding.export is None else list(holding.export(acme.id))
        for row in rows:
            assert not [name for name in row if "_" in name]
            json.loads(wire.dumps(row))


def test_no_table_is_spoken_for_twice() -> None:
    tables = [table for holding in registry.holdings() for table in holding.tables]
    assert len(tables) == len(set(tables))
