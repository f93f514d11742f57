"""Receivers of these tests are on this machine."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.webhooks.models import Delivery, Endpoint
from tests.webhooks.api.calls import URL


@pytest.fixture(autouse=True)
def loopback_receivers(settings: Any) -> Iterator[None]:
    """None of the endpoints is left to whoever sends deliveries."""
    settings.EGRESS_ALLOW_LOOPBACK = True
    yield
    own = Endpoint.objects.filter(url__startswith=URL)
    to_them = Delivery.objects.filter(endpoint_id__in=list(own.values_list("pk", flat=True)))
    to_them.filter(status="pending").update(status="cancelled")
    own.delete()
