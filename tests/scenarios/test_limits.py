"""The limits as several web processes keep them together: one count, one clock (X41, A24)."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.cast import email
from tests.scenarios.caller import BOUND_S, TIMEOUT_S, Caller, until
from tests.stack import Product

pytestmark = pytest.mark.timeout(TIMEOUT_S)
LIMIT, SENT, CALLERS = 600, 700, 8


@pytest.fixture(scope="module")
def pair(product: Any) -> Iterator[Product]:
    """Two web processes more of the running product, each on a port of its own, with the limit that
    it comes with.
    """
    more = Product(product.servers, consumers=0, own_ports=True, TENLYR_API_RPM="")
    with more as running:
        yield running


def urls(pair: Product) -> list[str]:
    """Where each process answers."""
    return [f"http://127.0.0.1:{port}" for port in pair.ports]


@pytest.fixture
def made(operator: Caller) -> Any:
    """A new tenant with its key, which has called nobody yet."""
    body = {"name": "Limited", "ownerEmail": email(), "plan": "growth"}
    return operator("POST", "/tenants", body, status=201)


def test_six_hundred_calls_a_minute_whichever_process_answers(pair: Product, made: Any) -> None:
    path = "/api/v1/isolation/migrations?limit=1"
    headers = {"Authorization": f"Bearer {made['apiKey']}"}

    def some(number: int) -> list[httpx.Response]:
        """One caller's share, from each process in turn."""
        with httpx.Client(headers=headers, timeout=30) as client:
            at = [f"{url}{path}" for url in urls(pair)]
            return [client.get(at[n % 2]) for n in range(number, SENT, CALLERS)]

    started = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = [one for part in pool.map(some, range(CALLERS)) for one in part]
    minutes = 1 + int((time.monotonic() - started) // 60)  # one, unless the machine stood still
    seen = Counter(one.status_code for one in answers)
    assert set(seen) == {200, 429}
    assert LIMIT <= seen[200] <= LIMIT * minutes
    assert {one.headers["RateLimit-Limit"] for one in answers} == {str(LIMIT)}
    refused = [one for one in answers if one.status_code == 429]
    assert all(0 < int(one.headers["Retry-After"]) <= 61 for one in refused)


def test_a_throttle_binds_in_the_process_that_did_not_hear_of_it(
    pair: Product, product: Any, made: Any
) -> None:
    here, there = urls(pair)
    path = f"/health/{made['tenant']['id']}/throttle"
    with Caller(here, product.admin_key) as admin, Caller(there, made["apiKey"]) as customer:
        assert {customer.track().status_code for _ in range(5)} == {201}
        assert admin("POST", path, {"limitRpm": 1})["rateLimit"] == 1
        refused = until(lambda: only(customer.track(), 429), BOUND_S)
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == (
            "1",
            "0",
        )
        assert admin("DELETE", path)["rateLimit"] is None
        until(lambda: only(customer.track(), 201), BOUND_S)
        assert {customer.track().status_code for _ in range(5)} == {201}


def only(answer: httpx.Response, status: int) -> httpx.Response | None:
    """The answer, if it has that status."""
    return answer if answer.status_code == status else None
