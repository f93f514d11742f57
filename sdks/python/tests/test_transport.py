"""Tries, waits and time-outs against a real server that fails."""

import socket
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from calling import KINDS, Caller
from faulty import Behaviour, FaultyServer, answer, drip, hang, reset, stall, truncate
from replaying import KEYS

from tenlyr import (
    RateLimitError,
    RequestInfo,
    ResponseInfo,
    RetryInfo,
    TenlyrError,
    TenlyrNetworkError,
    TenlyrNotImplementedError,
    TenlyrSync,
    TenlyrTimeoutError,
)

TENANT = answer(200, {"id": "t", "name": "Acme"})
REFUSAL = {"message": "Not now.", "code": "unavailable", "requestId": "r1"}
SOON_S = 0.05
both = pytest.mark.parametrize("kind", KINDS)


@both
@pytest.mark.parametrize("fault", [answer(500, REFUSAL), answer(503), answer(429), reset, truncate])
def test_three_more_tries_and_a_wait_before_each(kind: str, fault: Behaviour) -> None:
    with FaultyServer(fault, fault, fault, TENANT) as server:
        caller = Caller(kind, server.url)
        assert caller.call("tenants.get", "t").name == "Acme"
    assert (len(server.requests), caller.waits_ms) == (4, [200, 400, 800])


@both
@pytest.mark.parametrize(
    ("fault", "kind_of_error"),
    [
        (answer(500, REFUSAL), TenlyrError),
        (answer(429, REFUSAL), RateLimitError),
        (reset, TenlyrNetworkError),
        (truncate, TenlyrNetworkError),
    ],
)
def test_no_try_after_the_last(kind: str, fault: Behaviour, kind_of_error: Any) -> None:
    with FaultyServer(fault, fault, fault, fault) as server, pytest.raises(TenlyrError) as raised:
        Caller(kind, server.url).call("tenants.get", "t")
    assert type(raised.value) is kind_of_error
    assert len(server.requests) == 4


@both
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_the_server_asks_for(kind: str, status: int) -> None:
    with FaultyServer(answer(status, REFUSAL, {"Retry-After": "7"}), TENANT) as server:
        caller = Caller(kind, server.url)
        caller.call("tenants.get", "t")
    assert caller.waits_ms == [7000]


@both
def test_a_date_to_wait_for(kind: str) -> None:
    at = datetime.now(timezone.utc) + timedelta(seconds=50)
    busy = answer(503, REFUSAL, {"Retry-After": format_datetime(at, usegmt=True)})
    with FaultyServer(busy, TENANT) as server:
        caller = Caller(kind, server.url)
        caller.call("tenants.get", "t")
    assert 20_000 <= caller.waits_ms[0] <= 50_000


@both
def test_a_wait_that_would_be_too_long_is_not_begun(kind: str) -> None:
    with FaultyServer(answer(429, REFUSAL, {"Retry-After": "61"})) as server:
        caller = Caller(kind, server.url)
        with pytest.raises(RateLimitError) as raised:
            caller.call("tenants.get", "t")
    assert (raised.value.retry_after, caller.waits_ms) == (61, [])


@both
@pytest.mark.parametrize("fault", [hang, stall, drip])
def test_a_time_out_is_not_tried_again(kind: str, fault: Behaviour) -> None:
    with FaultyServer(fault, TENANT) as server:
        caller = Caller(kind, server.url, timeout=SOON_S)
        with pytest.raises(TenlyrTimeoutError):
            caller.call("tenants.get", "t")
    assert (len(server.requests) <= 1, caller.waits_ms) == (True, [])


@both
def test_nobody_listens(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    caller = Caller(kind, url)
    with pytest.raises(TenlyrNetworkError):
        caller.call("tenants.get", "t")
    assert caller.waits_ms == [200, 400, 800]


@both
@pytest.mark.parametrize("status", [400, 404, 418, 501])
def test_other_refusals_are_not_tried_again(kind: str, status: int) -> None:
    with FaultyServer(answer(status, REFUSAL)) as server, pytest.raises(TenlyrError) as raised:
        Caller(kind, server.url).call("tenants.get", "t")
    assert (raised.value.status_code, raised.value.request_id) == (status, "r1")
    assert isinstance(raised.value, TenlyrNotImplementedError) == (status == 501)


@both
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b'"text"'])
def test_a_success_that_is_not_the_api(kind: str, body: bytes) -> None:
    with FaultyServer(answer(200, body)) as server, pytest.raises(TenlyrError, match="not the"):
        Caller(kind, server.url).call("tenants.get", "t")
    assert len(server.requests) == 1


@both
def test_redirects_are_not_followed(kind: str) -> None:
    moved = answer(302, b"", {"Location": "/elsewhere"})
    with FaultyServer(moved) as server, pytest.raises(TenlyrError) as raised:
        Caller(kind, server.url).call("tenants.get", "t")
    assert (raised.value.status_code, len(server.requests)) == (302, 1)


@both
@pytest.mark.parametrize("path", ["", "/", "/proxied", "/proxied/"])
def test_what_is_sent(kind: str, path: str) -> None:
    with FaultyServer(TENANT) as server:
        Caller(kind, server.url + path).call("tenants.suspend", "a/b?c", "späť")
    lines = server.requests[0].split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert lines[0] == f"POST {path.rstrip('/')}/api/v1/tenants/a%2Fb%3Fc/suspend HTTP/1.1"
    assert headers["authorization"] == f"bearer {KEYS['$ADMIN']}".lower()
    assert headers["user-agent"] == "tenlyr-sdk/1.0.0"
    assert headers["accept"] == "application/json"
    assert len(headers["idempotency-key"]) == 36


@both
def test_a_repeated_call_has_one_idempotency_key(kind: str) -> None:
    with FaultyServer(answer(500), reset, TENANT) as server:
        Caller(kind, server.url).call("tenants.reactivate", "t")
    keys = {
        line
        for head in server.requests
        for line in head.split("\r\n")
        if line.lower().startswith("idempotency-key:")
    }
    assert len(keys) == 1


@both
def test_jitter_stays_within_its_bounds(kind: str) -> None:
    for drawn in (0.0, 0.25, 0.999):
        with FaultyServer(answer(500), answer(500), answer(500), TENANT) as server:
            caller = Caller(kind, server.url, random=lambda drawn=drawn: drawn)
            caller.call("tenants.get", "t")
        assert caller.waits_ms == pytest.approx([200 * drawn, 400 * drawn, 800 * drawn])


@both
def test_hooks_are_told_of_every_try_and_see_no_key(kind: str) -> None:
    told: list[Any] = []
    hooks = {"on_request": told.append, "on_response": told.append, "on_retry": told.append}
    with FaultyServer(answer(503, REFUSAL, {"X-Request-Id": "r1"}), reset, TENANT) as server:
        Caller(kind, server.url, **hooks).call("tenants.get", "t")
    url = f"{server.url}/api/v1/tenants/t"
    assert [type(one) for one in told] == [
        *(RequestInfo, ResponseInfo, RetryInfo),
        *(RequestInfo, RetryInfo),
        *(RequestInfo, ResponseInfo),
    ]
    assert all((one.method, one.url) == ("GET", url) for one in told)
    assert [one.attempt for one in told] == [1, 1, 1, 2, 2, 3, 3]
    assert (told[1].status, told[1].request_id, told[2].wait_ms) == (503, "r1", 200)
    assert [one.reason for one in told if isinstance(one, RetryInfo)] == ["503", "network"]
    assert KEYS["$ADMIN"] not in repr(told)


@both
@pytest.mark.parametrize("value", ["", ".", ".."])
def test_what_would_name_something_else_is_not_sent(kind: str, value: str) -> None:
    with FaultyServer(answer(200)) as server, pytest.raises(ValueError, match="cannot stand"):
        Caller(kind, server.url).call("tenants.get", value)
    assert server.requests == []


def test_the_clients_own_http_client_stays_open() -> None:
    with httpx.Client() as http:
        with TenlyrSync(KEYS["$ADMIN"], http_client=http):
            pass
        assert not http.is_closed


@pytest.mark.parametrize("options", [{"base_url": "api.example"}, {"timeout": 0}, {"retries": -1}])
def test_options_that_make_no_sense(options: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        TenlyrSync(KEYS["$ADMIN"], **options)


def test_no_key_shows_in_errors_and_options() -> None:
    with FaultyServer(answer(401, {"message": "No.", "code": "invalid_key"})) as server:
        caller = Caller("sync", server.url)
        with pytest.raises(TenlyrError) as raised:
            caller.call("tenants.get", "t")
    client = TenlyrSync(KEYS["$ADMIN"])
    assert KEYS["$ADMIN"] not in repr(raised.value)
    assert KEYS["$ADMIN"] not in repr(vars(client)) + repr(client._transport.options)
