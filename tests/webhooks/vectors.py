"""The vectors of `vectors.json`: signatures that every verifier of ours must accept or refuse.

`python -m tests.webhooks.vectors` writes the file anew.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenlyr.core.egress import signing

FILE = Path(__file__).with_name("vectors.json")
AT = 1_795_255_200
ID = "evt_01KAK3W8Q0J5Y8Z7V6T5R4N3M2"
# Made up: the base64 of bytes 0-31, 32-63 and 64-95.
NEW, OLD, FOREIGN = (
    signing.PREFIX + text
    for text in (
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
        "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
    )
)
BODY = (
    '{"id":"evt_01KAK3W8Q0J5Y8Z7V6T5R4N3M2","type":"tenant.suspended",'
    '"createdAt":"2026-11-21T10:00:00.000Z","data":{"tenantId":"t","reason":"Zahlung für März ✓"}}'
)
STRIPE, STANDARD = "Tenlyr-Signature", "webhook-signature"


def case(name: str, refused: str | None, **changed: Any) -> dict[str, Any]:
    """One delivery as a receiver meets it, and whether it is accepted."""
    at = datetime.fromtimestamp(AT, UTC)
    signed_by = changed.pop("signed_by", [NEW])
    headers = signing.headers(signed_by, ID, BODY.encode(), at)
    usual = {"secret": NEW, "now": AT, "body": BODY}
    given = {**usual, **{name: changed[name] for name in usual if name in changed}}
    return {
        "name": name,
        "accepted": refused is None,
        "why": refused or "",
        **given,
        "headers": {**headers, **changed.get("headers", {})},
    }


def cases() -> Iterator[dict[str, Any]]:
    """All of them; `now` is the receiver's clock, in seconds since 1970."""
    both = {"signed_by": [NEW, OLD]}
    right = case("plain", None)["headers"]
    yield case("plain", None)
    yield case("299 seconds old", None, now=AT + 299)
    yield case("rotated, a receiver with the new secret", None, **both)
    yield case("rotated, a receiver with the old secret", None, secret=OLD, **both)
    yield case("301 seconds old", "too old", now=AT + 301)
    yield case("another secret", "wrong secret", secret=FOREIGN)
    yield case("rotated, another secret", "wrong secret", secret=FOREIGN, **both)
    yield case("a changed byte", "wrong body", body=BODY.replace("tenant.", "tenant,"))
    yield case("a byte more", "wrong body", body=BODY + " ")
    yield case("a byte less", "wrong body", body=BODY[:-1])
    yield case(
        "a time that was not signed",
        "wrong time",
        headers={
            STRIPE: right[STRIPE].replace(str(AT), str(AT + 1)),
            "webhook-timestamp": str(AT + 1),
        },
    )
    yield case(
        "another version only",
        "no v1",
        headers={
            STRIPE: right[STRIPE].replace("v1=", "v0="),
            STANDARD: right[STANDARD].replace("v1,", "v0,"),
        },
    )
    yield case("no signature", "no signature", headers={STRIPE: f"t={AT}", STANDARD: ""})


def text() -> str:
    """The file's text."""
    return json.dumps({"cases": list(cases())}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
