"""What must have happened before a block runs: its page says so in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

if TYPE_CHECKING:
    from tests.contract.docs.blocks import Block
    from tests.contract.docs.shell import Shell

BOUND_S = 120


def before(shell: Shell, block: Block) -> None:
    """Bring a block's reader to where the page has brought it."""
    for (file, begin), stage in STAGES.items():
        if block.file == file and block.first.startswith(begin):
            stage(shell)


def ask(shell: Shell, method: str, path: str, body: Any = None) -> httpx.Response:
    """One call with the admin key."""
    key = {"Authorization": f"Bearer {shell.known['ADMIN']}"}
    url = f"{shell.product.url}/api/v1{path}"
    return httpx.request(method, url, headers=key, json=body, timeout=BOUND_S)


def call(shell: Shell, method: str, path: str, body: Any = None) -> Any:
    """The same, and it must succeed."""
    answer = ask(shell, method, path, body)
    assert answer.is_success, answer.text
    return answer.json()


def until(shell: Shell, path: str, done: Callable[[Any], bool]) -> Any:
    """Look until it is so."""
    end = time.monotonic() + BOUND_S
    while not done(found := call(shell, "GET", path)):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


def a_move_has_come_to_its_end(shell: Shell) -> None:
    """The one that the page began."""
    path = f"/isolation/migrations/{shell.known['MOVE']}"
    assert until(shell, path, lambda one: one["finishedAt"])["status"] == "completed"


def a_move_runs(shell: Shell) -> None:
    """Any."""
    asked = {"tenantId": shell.known["TENANT"], "targetLevel": "dedicated_schema"}
    shell.known["MOVE"] = call(shell, "POST", "/isolation/migrate", asked)["id"]


def a_tenant_has_a_schema(shell: Shell) -> None:
    """The reader's tenant is another one, with a schema of its own."""
    _another_tenant(shell, "dedicated_schema")


def a_tenant_is_among_others(shell: Shell) -> None:
    """The reader's tenant is another one: shared rows have a release at once."""
    _another_tenant(shell, "shared_schema")


def _another_tenant(shell: Shell, level: str) -> None:
    email = f"{uuid4()}@reader.example"
    asked = {"name": "Initrode", "ownerEmail": email, "isolationLevel": level}
    made = call(shell, "POST", "/tenants", asked)
    shell.known |= {"TENANT": made["tenant"]["id"], "KEY": made["apiKey"]}


def there_is_a_second_release(shell: Shell) -> None:
    """Of the table that the page made, which the reader's tenant lacks."""
    _another_tenant(shell, "dedicated_schema")
    _release(shell, 2)


def there_is_a_third_release(shell: Shell) -> None:
    """The second has come everywhere."""
    path = "/dataplane/releases/2/rollout"
    assert until(shell, path, lambda one: one["finishedAt"])["status"] == "done"
    _release(shell, 3)


def _release(shell: Shell, version: int) -> None:
    """As soon as its lock is had: the proof of a move may be at the table."""
    sql, end = f"ALTER TABLE invoices ADD COLUMN note_{version} text", time.monotonic() + BOUND_S
    asked = ("POST", "/dataplane/releases", {"version": version, "sql": sql})
    while (answer := ask(shell, *asked)).status_code == 503:
        assert time.monotonic() < end, answer.text
        time.sleep(0.2)
    assert answer.is_success, answer.text


def no_move_runs(shell: Shell) -> None:
    """What the page began has come to its end."""
    for status in ("pending", "in_progress"):
        until(shell, f"/isolation/migrations?status={status}", lambda found: not found)


def there_are_two_proofs(shell: Shell) -> None:
    """With a report: those that the page has asked for, or later ones."""

    def reports(found: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in found["data"] if one["status"] in {"passed", "incomplete"}]

    found = until(shell, "/isolation/proofs", lambda found: len(reports(found)) >= 2)
    later, earlier, *_ = reports(found)
    shell.known |= {"PROOF": earlier["id"], "LATER_PROOF": later["id"]}


STAGES: dict[tuple[str, str], Callable[[Shell], None]] = {
    (
        "docs/isolation.md",
        "curl -s -X POST localhost:8000/api/v1/isolation/migrations/$MOVE/rollback",
    ): a_move_has_come_to_its_end,
    ("docs/isolation.md", "manage.py backup_tenant"): a_tenant_has_a_schema,
    # No release is made while a tenant of the workspace moves.
    ("docs/isolation.md", "curl -s localhost:8000/api/v1/dataplane/releases -H"): no_move_runs,
    (
        "docs/isolation.md",
        "curl -s localhost:8000/api/v1/isolation/connection -H",
    ): a_tenant_is_among_others,
    (
        "docs/isolation.md",
        "curl -s localhost:8000/api/v1/dataplane/releases/2/rollout",
    ): there_is_a_second_release,
    ("docs/isolation.md", "manage.py dataplane rollout"): there_is_a_third_release,
    ("docs/isolation.md", "manage.py prove  "): no_move_runs,
    ("docs/isolation.md", "manage.py prove --show"): there_are_two_proofs,
    ("docs/runbooks/stuck-move.md", "manage.py moves list"): a_move_runs,
}
