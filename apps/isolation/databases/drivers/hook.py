"""The operator's own way to a database: a command or a URL that is asked and answers with a DSN.

It is told `{"action": "create" | "destroy", "database": "db_…", "about": {…}}` and answers
`{"dsn": "postgresql://…"}`, with `"poolUrl"` and `"provided"` if it likes, or `{"pending": true}`,
and is then asked again. The same question may come twice: the answer must be the same database.
"""

import json
import time
from typing import Any

from django.conf import settings

from apps.isolation.databases import addresses, aliases, records
from apps.isolation.databases.drivers import calling
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database

ASK_AGAIN_S = 2.0
LONGEST_PROVIDED = 200


def create(database: Database) -> None:
    answer = _ask(database, "create")
    dsn, pool_url = _text(answer, "dsn"), _text(answer, "poolUrl")
    if not dsn:
        raise DatabaseFailed("The database hook answered without a dsn.")
    address = addresses.parse(dsn, what="The dsn of the database hook")
    if pool_url:
        addresses.parse(pool_url, what="The poolUrl of the database hook", has_login=False)
    records.note(database, provided=_text(answer, "provided")[:LONGEST_PROVIDED])
    database.dsn = addresses.seal(address, aliases.DSN_PLACE)
    database.pool_url = pool_url
    database.save(update_fields=["dsn", "pool_url"])


def destroy(database: Database) -> None:
    _ask(database, "destroy")


def describe(database: Database) -> str:
    said = database.detail.get("provided") or "a database of its own"
    return f"{said} (the operator's hook, at {aliases.address_of(database).host})"


def _ask(database: Database, action: str) -> dict[str, Any]:
    """The hook's answer, asked until it is no longer `pending` or its time is over."""
    question = {"action": action, "database": database.alias}
    body = json.dumps({**question, "about": database.detail.get("about", {})}).encode()
    end = time.monotonic() + settings.DATABASE_HOOK_TIMEOUT_S
    while True:
        answer = _read(calling.call(settings.DATABASE_HOOK, body, end))
        if answer.get("pending") is not True:
            return answer
        if time.monotonic() + ASK_AGAIN_S > end:
            raise DatabaseFailed(
                f"The database hook was not done within {settings.DATABASE_HOOK_TIMEOUT_S} s."
            )
        time.sleep(ASK_AGAIN_S)


def _read(said: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(said or b"{}")
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise DatabaseFailed("The database hook did not answer with a JSON object.")
    return answer


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name, "")
    if not isinstance(value, str):
        raise DatabaseFailed(f"The database hook answered with a {name} that is no text.")
    return value
