"""One stack for all fault tests, apart from the one that the other tests use: its parts get killed.

Each test makes tenants of its own and leaves every process running.
"""

from collections.abc import Iterator

import pytest

from tests.faults.target import Target


@pytest.fixture(scope="package")
def target() -> Iterator[Target]:
    """Two web processes on one port, as the product runs them, and a consumer."""
    with Target(web=2) as running:
        yield running
