"""The vectors that the SDKs share: API keys and signed webhooks, made by the server's own code.

`python -m tests.sdks.vectors` writes `sdks/conformance/keys.json` and `signatures.json` anew.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenlyr.core import keys
from tenlyr.core.egress import signing
from tests.webhooks.vectors import AT, BODY, FOREIGN, ID, NEW, OLD, STANDARD, STRIPE

CONFORMANCE = Path(__file__).parent.parent.parent / "sdks" / "conformance"
TOLERANCE_S = 300
TRIO = ("webhook-id", "webhook-timestamp", STANDARD)


def key(prefix: str, letters: str) -> str:
    """A well-formed key of 40 characters that nobody was given."""
    body = prefix + (letters * keys.RANDOM_CHARACTERS)[: keys.RANDOM_CHARACTERS]
    return body + keys.checksum(body)


ADMIN = key("tenlyr_live_tf_", "ConformanceAdmin0")
TENANT = key("tenlyr_live_", "ConformanceTenant1")
OTHER_TENANT = key("tenlyr_live_", "ConformanceOther2")
TEST_ADMIN = key("tenlyr_test_tf_", "ConformanceTestAdmin3")
TEST_TENANT = key("tenlyr_test_", "ConformanceTestTenant4")


def malformed() -> Iterator[dict[str, str]]:
    """Strings that are no key, each with the reason."""
    for reason, spoilt in {
        "empty": "",
        "a letter of the checksum changed": TENANT[:-1] + ("0" if TENANT[-1] != "0" else "1"),
        "a letter of the random part changed": TENANT[:20] + "z" + TENANT[21:],
        "another case": TENANT.swapcase(),
        "one character short": TENANT[:-1],
        "one character long": TENANT + "0",
        "the checksum of another prefix": TENANT.replace("live", "test"),
        "an admin's prefix before a tenant's key": TENANT.replace("live_", "live_tf_"),
        "an unknown prefix": TENANT.replace("tenlyr_", "other_"),
        "an unknown environment": key("tenlyr_prod_", "ConformanceTenant1"),
        "a character that is not base62": TENANT[:20] + "-" + TENANT[21:],
        "a letter that is not ASCII": TENANT[:20] + "é" + TENANT[21:],
        "a blank at its end": TENANT + " ",
        "a line's end behind it": TENANT + "\n",
        "only a prefix": "tenlyr_live_",
        "the scheme before it": f"Bearer {TENANT}",
    }.items():
        yield {"key": spoilt, "reason": reason}


def key_vectors() -> dict[str, Any]:
    """`keys` by placeholder, `wellFormed` more that pass, `malformed` those that do not."""
    return {
        "keys": {"$ADMIN": ADMIN, "$TENANT": TENANT, "$OTHER_TENANT": OTHER_TENANT},
        "wellFormed": [ADMIN, TENANT, OTHER_TENANT, TEST_ADMIN, TEST_TENANT],
        "malformed": list(malformed()),
    }


def signed(*secrets: str) -> dict[str, str]:
    """The headers of a delivery, made by the server's own code."""
    return signing.headers(secrets, ID, BODY.encode(), datetime.fromtimestamp(AT, UTC))


def stripe(*secrets: str) -> dict[str, str]:
    """Only our own header."""
    return {STRIPE: signed(*secrets)[STRIPE]}


def trio(*secrets: str) -> dict[str, str]:
    """Only those of Standard Webhooks."""
    return {name: signed(*secrets)[name] for name in TRIO}


def vector(name: str, headers: dict[str, str], reason: str = "", **changed: Any) -> dict[str, Any]:
    """One delivery as a receiver meets it; `reason` says why it is refused."""
    usual = {"secret": NEW, "now": AT, "toleranceS": TOLERANCE_S, "payload": BODY}
    verdict = {"valid": False, "reason": reason} if reason else {"valid": True}
    return {"name": name, "headers": headers, **usual, **changed, **verdict}


def signatures() -> Iterator[dict[str, Any]]:
    """Both kinds of header, apart and together."""
    for kind, only in {"ours": stripe, "standard": trio, "both": signed}.items():
        yield from _of_a_kind(kind, only(NEW), only(NEW, OLD), only(OLD))
    yield from _ours_alone(stripe(NEW)[STRIPE])
    yield from _standard_alone(trio(NEW))
    yield vector("none of the headers", {}, "missing")
    yield vector("others only", {"Content-Type": "application/json"}, "missing")


Headers = dict[str, str]


def _of_a_kind(kind: str, right: Headers, both: Headers, old: Headers) -> Iterator[dict[str, Any]]:
    yield vector(f"{kind}: plain", right)
    yield vector(f"{kind}: names in small letters", {k.lower(): v for k, v in right.items()})
    yield vector(f"{kind}: 300 seconds old", right, now=AT + 300)
    yield vector(f"{kind}: 300 seconds ahead", right, now=AT - 300)
    yield vector(f"{kind}: within a tolerance of 600 s", right, now=AT + 599, toleranceS=600)
    yield vector(f"{kind}: rotated, receiver has the new secret", both)
    yield vector(f"{kind}: rotated, receiver has the old secret", both, secret=OLD)
    yield vector(f"{kind}: rotated, receiver has neither", both, "signature", secret=FOREIGN)
    yield vector(f"{kind}: signed by the old secret alone", old, "signature")
    yield vector(f"{kind}: wrong secret", right, "signature", secret=FOREIGN)
    yield vector(f"{kind}: 301 seconds old", right, "too_old", now=AT + 301)
    yield vector(f"{kind}: 301 seconds ahead", right, "too_new", now=AT - 301)
    yield vector(f"{kind}: past a tolerance of 10 s", right, "too_old", now=AT + 11, toleranceS=10)
    for what, payload in {
        "a changed byte": BODY.replace("tenant.", "tenant,"),
        "a byte more": BODY + " ",
        "a byte less": BODY[:-1],
        "an empty body": "",
    }.items():
        yield vector(f"{kind}: {what}", right, "signature", payload=payload)


def _ours_alone(right: str) -> Iterator[dict[str, Any]]:
    time, _, value = right.partition(",")
    for what, header, reason in (
        ("a time that was not signed", right.replace(str(AT), str(AT + 1)), "signature"),
        ("another version only", right.replace("v1=", "v0="), "malformed"),
        ("no signature", time, "malformed"),
        ("an empty signature", f"{time},v1=", "signature"),
        ("no time", value, "malformed"),
        ("a time that is no number", f"t=now,{value}", "malformed"),
        ("a time below 0", f"t=-{AT},{value}", "malformed"),
        ("a time without end", f"t={'9' * 400},{value}", "malformed"),
        ("two times", f"{time},t={AT + 1},{value}", "malformed"),
        ("a cut signature", right[:-2], "signature"),
        ("no hex", f"{time},v1={'zz' * 32}", "signature"),
        ("not ASCII", f"{time},v1={'é' * 64}", "signature"),
        ("words", "not a signature", "malformed"),
        ("nothing", "", "malformed"),
    ):
        yield vector(f"ours: {what}", {STRIPE: header}, reason)
    yield vector("ours: an unknown part beside", {STRIPE: f"{time},v2=abc,{value}"})


def _standard_alone(right: Headers) -> Iterator[dict[str, Any]]:
    identity, time, value = TRIO
    for what, changed, reason in (
        ("an id that was not signed", {identity: "evt_other"}, "signature"),
        ("a time that was not signed", {time: str(AT + 1)}, "signature"),
        ("another version only", {value: right[value].replace("v1,", "v0,")}, "malformed"),
        ("a time that is no number", {time: "now"}, "malformed"),
        ("no base64", {value: "v1,???"}, "signature"),
        ("a cut signature", {value: right[value][:-5]}, "signature"),
        ("words", {value: "not a signature"}, "malformed"),
        ("nothing", {value: ""}, "malformed"),
    ):
        yield vector(f"standard: {what}", {**right, **changed}, reason)
    for name in TRIO:
        without = {one: right[one] for one in TRIO if one != name}
        yield vector(f"standard: without {name}", without, "missing")
    plain = NEW.removeprefix(signing.PREFIX)
    yield vector("standard: a secret without its prefix", right, secret=plain)
    beside = f"v1a,AAAA {right[value]}"
    yield vector("standard: an unknown version beside", {**right, value: beside})


def text(made: Any) -> str:
    """A file's text."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    """Each file with what it must hold."""
    return {
        CONFORMANCE / "keys.json": text(key_vectors()),
        CONFORMANCE / "signatures.json": text(list(signatures())),
    }


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content)
