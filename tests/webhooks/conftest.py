"""What the tests of delivery share."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def stage(settings: Any, workspace: Any) -> Iterator[Any]:
    """A workspace whose endpoints may be on this machine, and receivers for them."""
    from tests.webhooks.receiving import Receivers
    from tests.webhooks.stage import Stage

    settings.EGRESS_ALLOW_LOOPBACK = True
    with Receivers() as receivers:
        made = Stage(workspace, receivers)
        yield made
        made.clear()
