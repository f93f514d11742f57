"""A tenant with a schema of its own, the operator's three tables in it, and some usage."""

from typing import Any

import pytest


@pytest.fixture(scope="module")
def account(_database: None) -> Any:
    """A workspace with the operator's release."""
    from tests import cast
    from tests.dataplane import plane

    made = cast.workspace()
    plane.release(made)
    return made


@pytest.fixture
def shop(account: Any) -> Any:
    """The tenant, furnished."""
    from tests import cast
    from tests.isolation.backups.scene import Shop

    return Shop.open(cast.tenant(account, plan="enterprise", isolation_level="dedicated_schema"))
