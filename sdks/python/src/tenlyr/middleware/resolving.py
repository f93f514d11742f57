"""The seven ways in which a request names its tenant."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Mapping, Optional, Union
from urllib.parse import unquote

MOST_OF_A_TOKEN = 16_384


@dataclass(frozen=True)
class RequestView:
    """A request as resolvers see it. Names of headers are in small letters."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


Found = Union[Optional[str], Awaitable[Optional[str]]]
Resolver = Callable[[RequestView], Found]
"""Says what the request names its tenant by; None when it names none."""


def subdomain(base_domain: str) -> Resolver:
    """`acme.app.example.com` names `acme`, for the base domain `app.example.com`."""
    ending = "." + base_domain.lower().strip(".")

    def resolve(request: RequestView) -> Optional[str]:
        host = _name(request.host)
        label = host[: -len(ending)] if host.endswith(ending) else ""
        return label if label and "." not in label else None

    return resolve


def custom_domain(domain_lookup: Callable[[str], Found]) -> Resolver:
    """A domain of the tenant's own, which `domain_lookup` knows."""
    return lambda request: domain_lookup(_name(request.host))


def path(prefix: str = "/t/") -> Resolver:
    """`/t/acme/invoices` names `acme`."""
    start = "/" + prefix.strip("/") + "/"

    def resolve(request: RequestView) -> Optional[str]:
        if not request.path.startswith(start):
            return None
        return unquote(request.path[len(start) :].split("/", 1)[0]) or None

    return resolve


def header(name: str = "X-Tenant-ID") -> Resolver:
    """A header. Only behind something that checks it: anybody can send one."""
    return lambda request: request.headers.get(name.lower()) or None


def query(param: str = "tenant") -> Resolver:
    """`?tenant=acme`. Anybody can write one."""
    return lambda request: request.query.get(param) or None


def jwt(
    claim: str = "tenant_id",
    *,
    secret: Optional[Union[str, bytes]] = None,
    decode: Optional[Callable[[str], Mapping[str, Any]]] = None,
) -> Resolver:
    """A claim of the bearer token, once its signature is checked.

    With `secret` tokens are HS256; for all others give `decode`, which verifies a token and
    answers its claims, or raises ValueError (`PyJWT`'s errors are none: wrap them). A token that is
    not good names nobody.
    """
    if (secret is None) == (decode is None):
        raise ValueError("give either secret or decode")
    key = secret.encode() if isinstance(secret, str) else secret or b""
    read = decode if decode is not None else (lambda token: hs256_claims(token, key))

    def resolve(request: RequestView) -> Optional[str]:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or len(token) > MOST_OF_A_TOKEN:
            return None
        try:
            found = read(token.strip()).get(claim)
        except ValueError:
            return None
        return found if isinstance(found, str) and found else None

    return resolve


def custom(resolver: Resolver) -> Resolver:
    """Whatever else: a function of the request, async if the framework is."""
    return resolver


def hs256_claims(token: str, key: bytes) -> Mapping[str, Any]:
    """The claims of a token that `key` signed and whose time it is; ValueError otherwise."""
    parts = token.split(".")
    if len(parts) != 3 or not key:
        raise ValueError("no token")
    head, claims = (_json(part) for part in parts[:2])
    wanted = hmac.new(key, f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    if head.get("alg") != "HS256" or not hmac.compare_digest(wanted, _bytes(parts[2])):
        raise ValueError("another signature")
    now = time.time()
    if now >= _moment(claims, "exp", now + 1) or now < _moment(claims, "nbf", 0):
        raise ValueError("out of its time")
    return claims


def _moment(claims: Mapping[str, Any], name: str, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is no moment")
    return value


def _json(part: str) -> Mapping[str, Any]:
    value = json.loads(_bytes(part))
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _name(host: str) -> str:
    """A host without its port and the dot at its end."""
    return host.lower().partition(":")[0].rstrip(".")
