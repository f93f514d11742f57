"""One story in all three languages against a started server: the same outcome, the same state."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sdks import tools
from tests.sdks.installed import BY_LANGUAGE, Installed

pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)
# What each program tells, but for the tenant's id.
TOLD = {
    "sameEvent": True,
    "batch": [2, 1],
    "metrics": [5, 4, 5],
    "found": 2,
    "states": ["suspended", "active"],
    "refusals": [
        "email_taken",
        "tenant_suspended",
        "key_revoked",
        "not_implemented",
        "not_found",
    ],
    "nothing": True,
}


@pytest.fixture(scope="module")
def told(product: Any, install: Callable[[str], Installed]) -> dict[str, dict[str, Any]]:
    """What each program printed."""
    server = {"BASE_URL": product.url, "ADMIN_KEY": product.admin_key}
    return {one: json.loads(install(one).run("story", **server)) for one in BY_LANGUAGE}


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_the_story_ends_as_it_should(told: dict[str, dict[str, Any]], language: str) -> None:
    assert {name: told[language][name] for name in TOLD} == TOLD


def test_the_server_is_left_in_the_same_state(
    product: Any, told: dict[str, dict[str, Any]]
) -> None:
    """Every row of the dashboard and every tenant alike, but for ids and addresses."""
    key = {"Authorization": f"Bearer {product.admin_key}"}
    with httpx.Client(base_url=f"{product.url}/api/v1", headers=key, timeout=60) as client:
        states = [_state(client, one, told[one]["tenantId"]) for one in BY_LANGUAGE]
    assert states[0] == states[1] == states[2]
    assert states[0]["dashboard"]["apiCalls"] == 5
    assert states[0]["other"] == []


def _state(client: httpx.Client, language: str, tenant_id: str) -> dict[str, Any]:
    own = {"id", "ownerEmail", "apiKeyPrefix", "createdAt", "lastActiveAt"}
    tenant = client.get(f"/tenants/{tenant_id}").json()
    assert tenant["ownerEmail"] == f"{language}@story.example"
    rows = client.get("/tenants/dashboard", params={"limit": 1000}).json()
    [row] = [one for one in rows if one["id"] == tenant_id]
    other = client.get("/tenants", params={"ownerEmail": f"other-{language}@story.example"}).json()
    return {
        "tenant": {name: value for name, value in tenant.items() if name not in own},
        "dashboard": {name: value for name, value in row.items() if name not in own},
        "other": other["data"],
    }
