"""What the tests of the API's ground share."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.cast import Api
from tests.core.api.probes import Echo


@pytest.fixture
def probes() -> Iterator[None]:
    """The tests' own URL map stands in place of the product's."""
    Echo.runs.clear()
    with override_settings(ROOT_URLCONF="tests.core.api.probes"):
        yield


@pytest.fixture
def elsewhere(api: Api, address: str) -> Api:
    """A client at an address of its own, so that its failed attempts are counted apart."""
    api._client.defaults["REMOTE_ADDR"] = address
    return api
