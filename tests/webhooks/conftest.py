"""What the tests of delivery share."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tenlyr.core.egress import connecting, posting

PATIENCE_S = 60.0


@pytest.fixture
def stage(settings: Any, workspace: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A workspace whose endpoints may be on this machine, and receivers for them."""
    from tests.webhooks.receiving import Receivers
    from tests.webhooks.stage import Stage

    settings.EGRESS_ALLOW_LOOPBACK = True
    # However slow the machine is: no receiver here is too slow for its sender.
    monkeypatch.setattr(connecting, "CONNECT_S", PATIENCE_S)
    monkeypatch.setattr(posting, "post", partial(posting.post, deadline_s=PATIENCE_S))
    with Receivers() as receivers:
        made = Stage(workspace, receivers)
        yield made
        made.clear()
