"""Answers as Python has them: names, moments, what is unknown, what is secret."""

import builtins
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import tenlyr
from tenlyr._answers import decode, moment

ROOT = Path(__file__).parent.parent
TENANT = {
    "id": "t",
    "name": "Acme",
    "ownerEmail": "o@acme.example",
    "plan": "growth",
    "status": "active",
    "region": "us-east-1",
    "isolationLevel": "shared_schema",
    "apiKeyPrefix": "tenlyr_live_4KfQ",
    "lastActiveAt": None,
    "createdAt": "2026-11-21T04:05:06.789Z",
}


def test_names_and_moments() -> None:
    tenant = decode(tenlyr.Tenant, TENANT)
    assert (tenant.owner_email, tenant.last_active_at) == ("o@acme.example", None)
    assert tenant.created_at == datetime(2026, 11, 21, 4, 5, 6, 789000, timezone.utc)
    assert tenant.to_dict() == TENANT


def test_an_answer_cannot_be_changed() -> None:
    tenant: Any = decode(tenlyr.Tenant, TENANT)
    with pytest.raises(AttributeError):
        tenant.name = "Other"


def test_what_is_not_known_yet_is_kept() -> None:
    tenant = decode(tenlyr.Tenant, {**TENANT, "colour": {"deepBlue": 1}})
    assert tenant.extra == {"colour": {"deepBlue": 1}}
    assert tenant.to_dict()["colour"] == {"deepBlue": 1}


def test_answers_within_answers() -> None:
    created = decode(tenlyr.CreatedTenant, {"tenant": TENANT, "apiKey": "secret-key"})
    assert (created.tenant.name, created.api_key) == ("Acme", "secret-key")
    assert created.migration is None
    summary = decode(
        tenlyr.UsageSummary, {"metrics": {"api_call": {"used": 3, "exhaustsAt": None}}}
    )
    assert summary.metrics["api_call"].used == 3


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (tenlyr.CreatedTenant, "apiKey"),
        (tenlyr.TenantWithKey, "apiKey"),
        (tenlyr.NewCredential, "password"),
        (tenlyr.CreatedChannel, "secret"),
        (tenlyr.EndpointWithSecret, "secret"),
    ],
)
def test_secrets_do_not_show_in_logs(kind: Any, name: str) -> None:
    assert "hush" not in repr(decode(kind, {name: "hush"}))


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-11-21T04:05:06Z", 0),
        ("2026-11-21T04:05:06.7Z", 700000),
        ("2026-11-21T04:05:06.123456789Z", 123456),
        ("2026-11-21T06:05:06.5+02:00", 500000),
    ],
)
def test_moments_of_any_number_of_digits(text: str, microseconds: int) -> None:
    wanted = datetime(2026, 11, 21, 4, 5, 6, microseconds, timezone.utc)
    assert moment(text) == wanted
    assert moment(text).utcoffset() in (timedelta(), timedelta(hours=2))


def test_permission_error_is_the_builtin_one_too() -> None:
    assert tenlyr.PermissionError is tenlyr.PermissionDeniedError
    assert issubclass(tenlyr.PermissionError, builtins.PermissionError)
    assert str(tenlyr.PermissionDeniedError("No.", status_code=403)) == "No."


def test_the_client_without_async_is_current() -> None:
    found = subprocess.run(
        [sys.executable, "make_sync.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (found.stdout, found.returncode) == ("", 0)


def test_types_as_users_meet_them(tmp_path: Path) -> None:
    """mypy, strictly, over the package and `typed_use.py`, which says what each call answers."""
    checked = ["src/tenlyr", "tests/typed_use.py"]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), *checked]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
