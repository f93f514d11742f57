"""Our own health (the tenants' is another matter): is the process alive, can it do its work?"""

import os
from collections.abc import Callable
from typing import Any

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse

from tenlyr.core import redis
from tenlyr.core.api import wire

log = structlog.get_logger(__name__)

Check = Callable[[], dict[str, Any]]
_checks: dict[str, Check] = {}


def check_with(name: str, check: Check) -> None:
    """Add a part to `/readyz`: it answers facts to show, or raises when the part is away."""
    _checks[name] = check


def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return _json({"status": "ok", "pid": os.getpid()}, 200)


def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when every part works, else 503 and which one does not."""
    parts = {name: _run(name, check) for name, check in {**_OWN, **_checks}.items()}
    is_ready = all(part["status"] == "ok" for part in parts.values())
    status = "ready" if is_ready else "not ready"
    return _json({"status": status, "pid": os.getpid(), "parts": parts}, 200 if is_ready else 503)


def _run(name: str, check: Check) -> dict[str, Any]:
    try:
        return {"status": "ok", **check()}
    except Exception as error:  # whatever is wrong with a part, the page must say so
        log.info("readyz.part_failed", part=name, reason=repr(error)[:200])
        return {"status": "failed"}


def _postgres() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return {}


def durability() -> str:
    """`disk` when an accepted event survives a power cut, `memory` when it may not."""
    info: Any = redis.client().info("persistence")
    try:
        policy: Any = redis.client().config_get("appendfsync")
    except redis.ResponseError:  # a managed Redis may forbid CONFIG: then nothing is promised
        return "memory"
    always = info.get("aof_enabled") == 1 and policy.get("appendfsync") == "always"
    return "disk" if always else "memory"


def _redis() -> dict[str, Any]:
    return {"durability": durability()}


_OWN: dict[str, Check] = {"postgres": _postgres, "redis": _redis}


def _json(body: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(wire.dumps(body), status=status, content_type="application/json")
