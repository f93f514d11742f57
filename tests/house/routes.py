"""The inventory of the URL map: every route is declared here, public or guarded, or a test fails.

A declaration says who may call an operation and gives a body that is right, so that the tests can
make it wrong in every way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


class Scope(Enum):
    """Which key opens an operation."""

    ADMIN = "admin"
    TENANT = "tenant"
    ANY = "any"


@dataclass(frozen=True)
class Operation:
    """A method on a path. `body` is a right one, None where none is sent; `answers` is the status
    of a call that is right.
    """

    method: str
    path: str
    scope: Scope
    body: Any = None
    query: frozenset[str] = field(default_factory=frozenset)
    most_bytes: int = 1 << 20
    answers: int = 200

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.removeprefix('/api/v1/')}"

    @property
    def has_body(self) -> bool:
        return self.body is not None

    @property
    def is_batch(self) -> bool:
        return isinstance(self.body, list)

    @property
    def has_id(self) -> bool:
        return "_id}" in self.path

    def at(self, any_id: object) -> str:
        """The path with an id in it: a tenant's, or that of what bears the same id."""
        return re.sub(r"\{\w+\}", str(any_id), self.path.replace("{version}", "1"))


def _admin(method: str, path: str, body: Any = None, *query: str) -> Operation:
    return Operation(method, f"/api/v1/tenants{path}", Scope.ADMIN, body, frozenset(query))


def _tenant(method: str, path: str, body: Any = None, *query: str, **more: Any) -> Operation:
    return Operation(method, f"/api/v1/usage{path}", Scope.TENANT, body, frozenset(query), **more)


def _billing(path: str) -> Operation:
    return Operation("GET", f"/api/v1/billing{path}", Scope.TENANT, answers=501)


def _isolation(method: str, path: str, scope: Scope, body: Any = None, *query: str) -> Operation:
    return Operation(method, f"/api/v1/isolation{path}", scope, body, frozenset(query))


def _dataplane(method: str, path: str, body: Any = None, *query: str) -> Operation:
    return Operation(method, f"/api/v1/dataplane{path}", Scope.ADMIN, body, frozenset(query))


def _alerts(method: str, path: str, scope: Scope, body: Any = None, *query: str) -> Operation:
    return Operation(method, f"/api/v1/alerts{path}", scope, body, frozenset(query))


def _health(method: str, path: str, body: Any = None, *query: str) -> Operation:
    return Operation(method, f"/api/v1/health{path}", Scope.ADMIN, body, frozenset(query))


def _webhooks(method: str, path: str, body: Any = None, *query: str) -> Operation:
    return Operation(method, f"/api/v1/webhooks{path}", Scope.ANY, body, frozenset(query))


NOBODY = "01900000-0000-7000-8000-000000000000"
NARROWED = ("severity", "type", "tenantId")
ALERT = {
    "tenantId": NOBODY,
    "type": "disk_full",
    "severity": "warning",
    "title": "The disk is full",
    "message": "97 % of 100 GB",
}
EVENT = {"metric": "api_call", "value": 1}
OPERATIONS = [
    _admin("GET", "", None, "limit", "cursor", "ownerEmail", "status", "plan"),
    _admin("POST", "", {"name": "Acme", "ownerEmail": "owner@example.com"}),
    _admin("GET", "/dashboard", None, "limit", "cursor"),
    _admin("GET", "/{tenant_id}"),
    _admin("PATCH", "/{tenant_id}", {"name": "Other"}),
    _admin("DELETE", "/{tenant_id}", {}),
    _admin("POST", "/{tenant_id}/suspend", {"reason": "unpaid"}),
    _admin("POST", "/{tenant_id}/reactivate", {}),
    _admin("POST", "/{tenant_id}/terminate", {}),
    _admin("POST", "/{tenant_id}/rotate-key", {"gracePeriodSeconds": 0}),
    _admin("PATCH", "/{tenant_id}/plan", {"plan": "growth"}),
    _admin("PUT", "/{tenant_id}/plan", {"plan": "growth"}),
    _admin("GET", "/{tenant_id}/export", None, "format"),
    _tenant("POST", "/track", EVENT),
    _tenant("POST", "/track/batch", [EVENT], most_bytes=16 << 20),
    _tenant("GET", "/metrics"),
    _tenant("GET", "/summary"),
    _tenant("GET", "/events", None, "limit"),
    _billing(""),
    _billing("/portal"),
    _isolation(
        "POST",
        "/migrate",
        Scope.ADMIN,
        {"tenantId": NOBODY, "targetLevel": "dedicated_schema"},
    ),
    _isolation("GET", "/migrations", Scope.ANY, None, "limit", "cursor", "status", "tenantId"),
    _isolation("GET", "/migrations/{migration_id}", Scope.ANY),
    _isolation("POST", "/migrations/{migration_id}/rollback", Scope.ADMIN, {}),
    _isolation("GET", "/proofs", Scope.ADMIN, None, "limit", "cursor"),
    _isolation("POST", "/proofs", Scope.ADMIN, {}),
    _isolation("GET", "/proofs/{proof_id}", Scope.ADMIN),
    _isolation("GET", "/connection", Scope.ANY, None, "tenantId"),
    _isolation("POST", "/connection/credentials", Scope.ANY, {"ttlSeconds": 3600}),
    _isolation("DELETE", "/connection/credentials/{credential_id}", Scope.ANY),
    _alerts("GET", "", Scope.ANY, None, "limit", "cursor", "status", *NARROWED),
    _alerts("POST", "", Scope.ADMIN, ALERT),
    _alerts("GET", "/unresolved", Scope.ANY, None, "limit", "cursor", *NARROWED),
    _alerts("POST", "/resolve-all", Scope.ANY, {}),
    _alerts("GET", "/{alert_id}", Scope.ANY),
    _alerts("POST", "/{alert_id}/resolve", Scope.ANY, {}),
    _alerts("GET", "/channels", Scope.ADMIN, None, "limit", "cursor"),
    _alerts("POST", "/channels", Scope.ADMIN, {"kind": "slack", "target": "https://8.8.8.8/x"}),
    _alerts("GET", "/channels/{channel_id}", Scope.ADMIN),
    _alerts("PATCH", "/channels/{channel_id}", Scope.ADMIN, {"minSeverity": "info"}),
    _alerts("DELETE", "/channels/{channel_id}", Scope.ADMIN, {}),
    _alerts("POST", "/channels/{channel_id}/test", Scope.ADMIN, {}),
    _alerts("GET", "/channels/{channel_id}/messages", Scope.ADMIN, None, "limit", "cursor"),
    _dataplane("GET", "/releases", None, "limit", "cursor"),
    _dataplane("POST", "/releases", {"version": 2, "sql": "COMMENT ON TABLE thing IS 'ours'"}),
    _dataplane("GET", "/releases/{version}"),
    _dataplane("GET", "/releases/{version}/rollout"),
    _dataplane("POST", "/releases/{version}/rollout", {"parallel": 1}),
    _dataplane("POST", "/releases/{version}/rollout/pause", {}),
    _dataplane("POST", "/releases/{version}/rollout/resume", {}),
    _dataplane("POST", "/releases/{version}/rollout/end", {}),
    _dataplane("GET", "/drift"),
    _health("GET", "", None, "limit", "cursor"),
    _health("GET", "/overview"),
    _health("GET", "/{tenant_id}"),
    _health("POST", "/{tenant_id}/throttle", {"limitRpm": 60}),
    _health("DELETE", "/{tenant_id}/throttle", {}),
    _webhooks("GET", "/endpoints", None, "limit", "cursor", "tenantId"),
    _webhooks("POST", "/endpoints", {"url": "http://127.0.0.1:9/", "description": "x"}),
    _webhooks("GET", "/endpoints/{endpoint_id}"),
    _webhooks("PATCH", "/endpoints/{endpoint_id}", {"description": "other"}),
    _webhooks("DELETE", "/endpoints/{endpoint_id}", {}),
    _webhooks("POST", "/endpoints/{endpoint_id}/pause", {}),
    _webhooks("POST", "/endpoints/{endpoint_id}/resume", {}),
    _webhooks("POST", "/endpoints/{endpoint_id}/rotate-secret", {}),
    _webhooks("POST", "/endpoints/{endpoint_id}/test", {}),
    _webhooks(
        "GET",
        "/deliveries",
        None,
        *("limit", "cursor", "endpointId", "status", "type", "tenantId", "since", "until"),
    ),
    _webhooks("GET", "/deliveries/{delivery_id}"),
    _webhooks("POST", "/deliveries/{delivery_id}/retry", {}),
    _webhooks(
        "POST",
        "/replay",
        {
            "endpointId": NOBODY,
            "since": "2026-11-20T00:00:00Z",
            "until": "2026-11-21T00:00:00Z",
        },
    ),
    _webhooks("GET", "/event-types"),
    Operation("POST", "/api/v1/ratelimit/check", Scope.ANY, {"cost": 1}),
]
# For everybody, each with what it gives away.
PUBLIC = {
    "/livez": "that the process answers",
    "/readyz": "which parts work",
    "/openapi.json": "the document of this API",
    "/docs": "the same for people",
}
# Behind a login of its own.
ADMIN_SITE = "/admin/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def paths_of(resolver: Any = None, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Every path of the URL map with its view, converters written as `{name}`."""
    for entry in (resolver or get_resolver()).url_patterns:
        here = prefix + _written(entry)
        if isinstance(entry, URLResolver):
            if here != ADMIN_SITE:
                yield from paths_of(entry, here)
        elif isinstance(entry, URLPattern):
            yield here, entry.callback


def _written(entry: URLPattern | URLResolver) -> str:
    text = str(entry.pattern)
    for name, converter in entry.pattern.converters.items():
        kind = "int" if name == "version" else "uuid"
        known = type(converter).__name__.lower()
        assert known == f"{kind}converter", f"{text}: only a UUID is an id"
        text = text.replace(f"<{kind}:{name}>", f"{{{name}}}")
    return text


def methods_of(view: Any) -> set[str]:
    """The methods a view answers; a plain function answers all of them."""
    if not hasattr(view, "cls"):
        return set(METHODS)
    return {name.upper() for name in view.cls.http_method_names if hasattr(view.cls, name)}
