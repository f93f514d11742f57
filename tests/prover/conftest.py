"""What the tests of the prover share. Imports stand inside: this file is read before the
settings.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.dataplane.conftest import bouncer  # noqa: F401 - a fixture


@pytest.fixture(scope="module", autouse=True)
def partitions(_database: None) -> None:
    """The months' partitions, as a running product has them."""
    from apps.metering import partitions

    partitions.ensure_partitions()


@pytest.fixture
def own_schema(globex: Any) -> str:
    """The schema of a tenant's own, in the workspace at hand, with its partitions."""
    from apps.isolation.public import group
    from apps.metering import partitions

    partitions.ensure_partitions()
    [location] = group([globex.id])
    return location.schema


@pytest.fixture(scope="module")
def writable(_database: None) -> Iterator[str]:
    """A tenant-owned table in every Location that the app's role may write to; its name."""
    from tests.isolation import probe

    with probe.planted():
        yield probe.TABLE
