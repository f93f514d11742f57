"""What the tests of tenants share: many callers at once, and what every endpoint refuses."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connections

from tenlyr.core import auth, errors, ids, keys
from tenlyr.core.keys import Kind
from tenlyr.core.principal import Principal
from tests.cast import Answer, Api, Customer

# Well-formed, so that only the lookup can refuse it; failed attempts are counted per address.
ELSEWHERE = iter(f"192.0.2.{number}" for number in range(1, 255))


# Two web processes of eight threads: more never wait for one row's lock in a started product.
THREADS = 16


def at_once(times: int, call: Callable[[int], Any]) -> list[Any]:
    """What each of `times` calls returns or raises, by threads that start together."""
    results: list[Any] = [None] * times
    threads_to_start = min(times, THREADS)
    start = threading.Barrier(threads_to_start)

    def attempt(number: int) -> Any:
        try:
            return call(number)
        except Exception as error:
            return error

    def run(first: int) -> None:
        start.wait()
        try:
            for number in range(first, times, threads_to_start):
                results[number] = attempt(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(first,)) for first in range(threads_to_start)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def resolve(raw: str) -> Principal:
    """The caller behind a key, as any process would find it that has nothing cached."""
    auth.forget_everything()
    return auth.resolve(raw, next(ELSEWHERE))


def code_of(raw: str) -> str:
    """Why a key is refused; `ok` when it is not."""
    try:
        resolve(raw)
    except errors.ApiError as error:
        return error.code
    return "ok"


def assert_refused(answer: Answer, status: int, code: str) -> None:
    """The error body is whole and says what it must (A8, X17)."""
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert answer.body["statusCode"] == status
    assert answer.body["detail"] == answer.body["message"]
    assert answer.body["requestId"] == answer.headers["X-Request-Id"]


def assert_needs_admin_key(method: str, path: str, tenant: Customer) -> None:
    """No key, a malformed one and a tenant's own are refused (D1, D2, T12)."""
    api = Api()
    answer = api.call(method, path)
    assert_refused(answer, 401, "invalid_key")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert_refused(api.call(method, path, key="tenlyr_live_nonsense"), 401, "invalid_key")
    assert_refused(api.call(method, path, key=tenant.key), 403, "insufficient_scope")
    acting = api.call(method, path, key=tenant.workspace.key, x_tenant_id=str(tenant.id))
    assert_refused(acting, 403, "insufficient_scope")


def assert_hides_others(
    method: str, path: Callable[[object], str], own: Customer, foreign: UUID, body: Any = None
) -> None:
    """Another workspace's tenant is as unknown as one that never was, to the letter (T30, T10)."""
    api, key = Api(x_request_id="same"), own.workspace.key
    answers = [api.call(method, path(one), body, key=key) for one in (foreign, ids.uuid7())]
    assert_refused(answers[0], 404, "not_found")
    assert answers[0].body == answers[1].body
    for bad in (str(own.id).upper(), f"{own.id}0", "1", own.id.hex):
        assert_refused(api.call(method, path(bad), body, key=key), 404, "not_found")


def unknown_key() -> str:
    """A well-formed tenant key that nobody has."""
    return keys.generate(Kind.TENANT)
