"""What the tests of the API's ground share. Imports stand inside: this file is read before the
settings.
"""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def probes() -> Iterator[None]:
    """The tests' own URL map stands in place of the product's."""
    from django.test import override_settings

    from tests.core.api.probes import Echo

    Echo.runs.clear()
    with override_settings(ROOT_URLCONF="tests.core.api.probes"):
        yield


@pytest.fixture
def elsewhere(api: Any, address: str) -> Any:
    """A client at an address of its own, so that its failed attempts are counted apart."""
    api._client.defaults["REMOTE_ADDR"] = address
    return api
