"""What the tests of egress share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def developing(settings: Any) -> Any:
    """Loopback is allowed, as under `make run`."""
    settings.EGRESS_ALLOW_LOOPBACK = True
    return settings


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An authority that this process trusts during the test."""
    from tenlyr.core.egress import connecting
    from tests.core.egress.certificates import Authority

    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    connecting.context.cache_clear()
    yield made
    connecting.context.cache_clear()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine an answer takes longer; a test of a bound sets its own."""
    from tenlyr.core.egress import connecting, posting

    monkeypatch.setattr(connecting, "CONNECT_S", 30.0)
    monkeypatch.setattr(posting, "REST_S", 30.0)
