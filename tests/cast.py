"""The people of the tests: acme shares, globex has a schema, the stranger belongs to somebody
else.
"""

import itertools
import json
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.test import Client

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """A workspace with its raw admin key."""

    id: UUID
    key: str


@dataclass(frozen=True)
class Customer:
    """A tenant with its raw key, as its operator got it."""

    id: UUID
    key: str
    workspace: Account
    body: dict[str, Any]


def email() -> str:
    """An address nobody used yet."""
    return f"owner-{os.getpid()}-{next(_numbers)}@example.com"


def workspace(plan: str = "enterprise") -> Account:
    """A fresh workspace."""
    from apps.workspaces.public import Workspace, issue_admin_key
    from tenlyr.core.keys import Kind
    from tenlyr.core.stored_key import mint

    minted = mint(Kind.ADMIN)
    with transaction.atomic():
        made = Workspace.objects.create(name=f"Workspace {next(_numbers)}", plan=plan)
        issue_admin_key(made, name="tests", minted=minted)
    return Account(made.id, minted.raw)


def tenant(account: Account, name: str = "Acme Corp", **fields: Any) -> Customer:
    """A fresh tenant, made through the API like everybody's."""
    from tenlyr.core.api.wire import camel_keys

    body = camel_keys({"name": name, "owner_email": email(), **fields})
    answer = Api().post("/api/v1/tenants", body, key=account.key)
    assert answer.status == 201, answer.body
    made = answer.body["tenant"]
    return Customer(UUID(made["id"]), answer.body["apiKey"], account, made)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """Calls the URL map in process, commits included: what a client on the network would see."""

    def __init__(self, **headers: str) -> None:
        self._client = Client(headers={"host": "localhost"})
        self._headers = headers

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        """One call; `raw` sends bytes as they are; headers in snake_case: `idempotency_key=`."""
        named = {**self._headers, **headers}
        sent = {name.replace("_", "-"): value for name, value in named.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        answer: Any = self._client.generic(
            method, path, data, content_type=content_type, headers=sent
        )
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        is_json = content and "json" in answer.headers.get("Content-Type", "")
        return Answer(
            answer.status_code, json.loads(content) if is_json else content, dict(answer.headers)
        )

    def get(self, path: str, **more: Any) -> Answer:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.call("POST", path, {} if body is None and "raw" not in more else body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.call("PATCH", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.call("DELETE", path, **more)
