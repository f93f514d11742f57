"""Each route that takes a URL vets it, and holds no transaction open meanwhile (T33)."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from apps.health.models import Channel
from apps.webhooks.models import Endpoint
from tenlyr.core.egress import guard
from tests.cast import Account, Answer, Api

ENDPOINTS, CHANNELS = "/api/v1/webhooks/endpoints", "/api/v1/alerts/channels"
FIRST, SECOND = "https://8.8.8.8/first", "https://8.8.8.8/second"


@pytest.fixture
def vetted(workspace: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bool]]]:
    """The URLs that were vetted, each with whether a transaction was open."""
    seen: list[tuple[str, bool]] = []

    def vet(url: str) -> Any:
        seen.append((url, transaction.get_connection().in_atomic_block))
        return genuine(url)

    genuine = guard.vet
    monkeypatch.setattr(guard, "vet", vet)
    yield seen
    for model in (Endpoint, Channel):
        model.objects.filter(workspace_id=workspace.id).delete()


def post(path: str, account: Account, **body: Any) -> Answer:
    """With an Idempotency-Key, whose transaction has the act and the answer."""
    return Api().post(path, body, key=account.key, idempotency_key=str(uuid4()))


def an_endpoint(account: Account) -> Answer:
    answer = post(ENDPOINTS, account, url=FIRST)
    path = f"{ENDPOINTS}/{answer.body['id']}"
    return Api().patch(path, {"url": SECOND}, key=account.key)


def a_channel(account: Account) -> Answer:
    answer = post(CHANNELS, account, kind="webhook", target=FIRST)
    path = f"{CHANNELS}/{answer.body['channel']['id']}"
    return Api().patch(path, {"target": SECOND}, key=account.key)


@pytest.mark.parametrize("make_and_change", [an_endpoint, a_channel])
def test_before_the_transaction(
    workspace: Account,
    vetted: list[tuple[str, bool]],
    make_and_change: Callable[[Account], Answer],
) -> None:
    changed = make_and_change(workspace)
    assert changed.status == 200, changed.body
    assert vetted == [(FIRST, False), (SECOND, False)]
