"""A proof of the running product: asked for over the network, made by its worker, checked here."""

import time
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from apps.prover import signing

PATH = "/api/v1/isolation/proofs"
BOUND_S = 60


@pytest.fixture
def client(product: Any) -> Any:
    """A client with the operator's key."""
    headers = {"Authorization": f"Bearer {product.admin_key}"}
    with httpx.Client(base_url=product.url, headers=headers, timeout=20) as made:
        yield made


def finished(client: httpx.Client, proof_id: str) -> Any:
    """The proof, once the worker has made it."""
    end = time.monotonic() + BOUND_S
    while time.monotonic() < end:
        shown = client.get(f"{PATH}/{proof_id}").json()
        if shown["finishedAt"] is not None:
            return shown
        time.sleep(0.2)
    raise AssertionError("the worker did not make it")


def test_the_worker_proves_the_product_it_belongs_to(product: Any, client: httpx.Client) -> None:
    for level in ("shared_schema", "dedicated_schema"):
        body = {"name": f"At {level}", "ownerEmail": f"{level}@live.example"}
        made = client.post(
            urljoin(product.url, "/api/v1/tenants"),
            json={**body, "plan": "growth", "isolationLevel": level},
        )
        assert made.status_code == 201, made.text
    asked = client.post(PATH, json={})
    assert asked.status_code == 202, asked.text
    shown = finished(client, asked.json()["id"])
    assert (shown["status"], shown["breaches"], shown["defects"]) == ("passed", 0, 0), shown
    report = signing.check(shown["proof"], key=shown["proof"]["publicKey"])
    assert len(report["scope"]["attacked"]) >= 2
    assert {line["path"] for line in report["attacks"]} >= {"scope", "outside", "pooled", "task"}
    assert client.get(PATH).json()["data"][0]["id"] == shown["id"]
