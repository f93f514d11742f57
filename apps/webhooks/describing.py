"""The page of all events, made from the catalogue (`make docs-events`)."""

import json

from apps.webhooks.catalogue import CATALOGUE, NOT_YET, Entry, envelope
from tenlyr.core.events import EventType, audience_of

HEAD = """\
# Events

<!-- Made from apps/webhooks/catalogue.py by `make docs-events`. -->

What happens to a tenant is told once, in the transaction in which it happens: a row in the \
outbox, or no row and no act. From there it is delivered to your endpoints: \
[webhooks.md](webhooks.md).

Each event has one envelope: `id`, `type`, `createdAt` (ISO 8601, UTC, milliseconds) and `data`. \
Ids sort in the order of time, and a delivery that is repeated carries the same id and the same \
bytes. `GET /api/v1/webhooks/event-types` answers with this list.

**Told to**: `tenant`, your endpoints and the tenant's own; `operators`, your endpoints only, for \
it speaks of the tenant to those who run the installation. A tenant's endpoint cannot ask for it, \
and `*` does not mean it there.

| type | when | told to | `data` beside `tenantId` |
|---|---|---|---|
"""
MIDDLE = """
## Examples

More names may be added to `data`; those that are there keep their meaning.
"""


def page() -> str:
    """The page in Markdown."""
    rows = "".join(_row(kind, entry) for kind, entry in CATALOGUE.items())
    told = [kind for kind, entry in CATALOGUE.items() if entry.when != NOT_YET]
    return HEAD + rows + MIDDLE + "".join(_example(kind) for kind in told)


def _row(kind: EventType, entry: Entry) -> str:
    names = [] if entry.when == NOT_YET else [name for name in entry.data if name != "tenantId"]
    shown = ", ".join(f"`{name}`{_remark(entry, name)}" for name in names)
    return f"| `{kind}` | {entry.when} | `{audience_of(kind)}` | {shown + ' ' if shown else ''}|\n"


def _remark(entry: Entry, name: str) -> str:
    if name in entry.optional:
        return " where there is one"
    return " or null" if name in entry.nullable else ""


def _example(kind: EventType) -> str:
    shown = json.dumps(envelope(kind), indent=2, ensure_ascii=False)
    return f"\n### {kind}\n\n```json\n{shown}\n```\n"
