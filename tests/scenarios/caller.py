"""A client of the product: one key, and the patience to wait for what takes a while."""

import time
from collections.abc import Callable
from typing import Any, Self

import httpx

MOVE_BOUND_S = 120
# What takes an instant, on a machine that has other work.
BOUND_S = 60
# A whole scenario, with the start of its product.
TIMEOUT_S = 600


class Caller:
    """One key's view of the product."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Call and expect a status; the body."""
        answer = self._client.request(method, path, json=body)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def track(self, value: int = 1) -> httpx.Response:
        """Count some calls."""
        return self._client.post("/usage/track", json={"metric": "api_call", "value": value})


def until(done: Callable[[], Any], bound_s: float) -> Any:
    """What `done` answers once it is true."""
    end = time.monotonic() + bound_s
    while not (found := done()):
        assert time.monotonic() < end, f"not in {bound_s} s"
        time.sleep(0.2)
    return found


def moved(caller: Caller, tenant_id: str, level: str, *, by: Caller) -> Any:
    """Move a tenant and wait for the end as the SDKs do; the record, polled with its own key."""
    started = by(
        "POST", "/isolation/migrate", {"tenantId": tenant_id, "targetLevel": level}, status=201
    )
    assert started["status"] == "pending"

    def ended() -> Any:
        found = caller("GET", f"/isolation/migrations/{started['id']}")
        return found if found["status"] in {"completed", "failed"} else None

    return until(ended, MOVE_BOUND_S)
