"""`up` on servers that were there before: a Postgres, a PgBouncer before it, a Redis."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from tenlyr.runtime import accounts
from tenlyr.runtime.home import Home
from tenlyr.runtime.postgres import DEPLOY
from tenlyr.runtime.valkey import Valkey
from tenlyr.settings import role_password
from tests import servers
from tests.runtime.running import Up, eventually
from tests.stack import PgBouncer, require_tool

# A start may take as long as `READY_S`.
pytestmark = pytest.mark.timeout(400)
ROLES = (settings.ROLE_APP, settings.ROLE_FLEET)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A Redis that syncs its file once a second only."""
    folder = servers.current().folder / "outside"
    valkey = Valkey(Home(folder, folder, accounts.for_servers()), fsync="everysec")
    try:
        valkey.start()
        yield valkey.url
    finally:
        valkey.stop()


@pytest.fixture(scope="module")
def database_url() -> str:
    """An empty database of a role that may make roles and databases."""
    url = servers.current().postgres.deploy_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE outside")
    return url.removesuffix(urlsplit(url).path) + "/outside"


@pytest.fixture
def given(database_url: str, redis_url: str) -> dict[str, str]:
    """The settings that name them; the roles' passwords come from the secret of the test run."""
    secret = servers.current().env["TENLYR_SECRET_KEY"]
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "TENLYR_SECRET_KEY": secret}


def pooler(users: dict[str, str], url: str) -> PgBouncer | None:
    """A PgBouncer; None where there is no such program, which the run's closing line tells."""
    program = require_tool("pgbouncer", __name__)
    return PgBouncer(program, url, users, pool_size=4) if program else None


def test_nothing_of_our_own_is_started_and_everything_works(
    tmp_path: Path, given: dict[str, str]
) -> None:
    bouncer = pooler({role: role_password(role) for role in ROLES}, given["DATABASE_URL"])
    pooled = {"DATABASE_POOL_URL": bouncer.start().url} if bouncer else {}
    up = Up(tmp_path, **given, **pooled)
    try:
        up.start()
        assert 'durability: "memory"' in up.text
        assert not up.children("bin/postgres") + up.children("valkey-server")
        assert [path.name for path in up.servers.glob("*/data")] == []
        run_env = (up.home / "run.env").read_text().splitlines()
        assert set(run_env) == {f"{name}={value}" for name, value in {**given, **pooled}.items()}
        use(up)
        if bouncer:
            log = (bouncer.folder / "log").read_text()
            assert [role for role in ROLES if f"db=outside user={role}" not in log] == []
        assert up.stop() == 0
        assert up.everybody() == []
    finally:
        up.remove()
        if bouncer:
            bouncer.stop()
    psycopg.connect(given["DATABASE_URL"]).close()


def use(up: Up) -> None:
    """A tenant of each level calls once, and the call is stored."""
    admin = (up.home / "admin_key").read_text().strip()
    redis = up.call("GET", "/readyz").json()["parts"]["redis"]
    assert redis == {"status": "ok", "durability": "memory"}
    for level in ("shared_schema", "dedicated_schema"):
        body = {"name": "Acme", "ownerEmail": f"{level}@acme.example", "isolationLevel": level}
        made = up.call("POST", "/api/v1/tenants", admin, **body)
        assert made.status_code == 201, made.text
        key = made.json()["apiKey"]
        answer = up.call("POST", "/api/v1/usage/track", key, metric="api_call", value=1)
        assert answer.status_code == 201, answer.text
        read = up.call("GET", "/api/v1/usage/metrics", key)
        assert read.json()["apiCalls"] == 1
        eventually(
            lambda key=key: up.call("GET", "/api/v1/usage/events", key).json(),
            "the event is stored",
        )


def test_a_pooler_that_does_not_know_our_roles_is_named(
    tmp_path: Path, given: dict[str, str]
) -> None:
    password = str(urlsplit(given["DATABASE_URL"]).password)
    bouncer = pooler({DEPLOY: password}, given["DATABASE_URL"])
    pool_url = bouncer.start().url if bouncer else given["DATABASE_URL"].replace("outside", "none")
    up = Up(tmp_path, **given, DATABASE_POOL_URL=pool_url)
    try:
        up.begin()
        assert up.ended() == 1
        said = up.text.splitlines()[-1]
        expected = (
            "Tenlyr cannot start: The set-up failed: Postgres, or the pooler before it, refuses"
        )
        assert said.startswith(expected), up.text
        assert up.everybody() == []
    finally:
        up.remove()
        if bouncer:
            bouncer.stop()
