"""Calls of the webhooks API, as its tests make them."""

from typing import Any

from tests.cast import Answer, Api

PATH = "/api/v1/webhooks"
ENDPOINTS, DELIVERIES = f"{PATH}/endpoints", f"{PATH}/deliveries"
# Nobody listens there.
URL = "http://127.0.0.1:9/hooks"


def make(key: str, **fields: Any) -> Answer:
    """Ask for an endpoint."""
    return Api().post(ENDPOINTS, {"url": URL, **fields}, key=key)


def made(key: str, **fields: Any) -> dict[str, Any]:
    """A new endpoint, with its secret."""
    answer = make(key, **fields)
    assert answer.status == 201, answer.body
    body: dict[str, Any] = answer.body
    return body


def without_secret(endpoint: dict[str, Any]) -> dict[str, Any]:
    """What every later answer shows."""
    return {name: value for name, value in endpoint.items() if name != "secret"}
