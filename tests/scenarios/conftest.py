"""Who takes part in every scenario."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.caller import Caller


@pytest.fixture(scope="module")
def operator(product: Any) -> Iterator[Caller]:
    """The operator with the admin key."""
    with Caller(product.url, product.admin_key) as caller:
        yield caller
