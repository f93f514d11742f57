"""What the operator gave is looked at before anything runs; each mistake has its sentence."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import Redis  # noqa: TID251  # makes a Redis wrong, from outside

from tenlyr import env
from tenlyr.core import keys
from tenlyr.runtime import accounts, checks, ports
from tenlyr.runtime.errors import StartFailed
from tenlyr.runtime.home import Home
from tenlyr.runtime.valkey import Valkey
from tests import servers
from tests.runtime.test_processes import until


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    """A Valkey that promises less than the embedded one: it syncs once a second."""
    folder = servers.current().folder / "everysec"
    server = Valkey(Home(folder, folder, accounts.for_servers()), fsync="everysec")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def refused(check: Any, *given: object) -> str:
    """The sentence with which a check refuses."""
    with pytest.raises((StartFailed, env.SettingError)) as caught:
        check(*given)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


class TestPort:
    def test_a_free_one_is_fine(self) -> None:
        checks.port(ports.any_free())

    def test_in_use(self) -> None:
        with socket.socket() as taken:
            taken.bind((ports.HOST, ports.any_free()))
            taken.listen()
            number = taken.getsockname()[1]
            assert refused(checks.port, number) == (
                f"Port {number} is in use: stop what listens there, or set PORT."
            )

    def test_one_that_we_may_not_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        error = PermissionError(13, "Permission denied")
        monkeypatch.setattr(ports, "bind_error", lambda number: error)
        assert refused(checks.port, 80) == "PORT 80 cannot be used: Permission denied."


class TestKeys:
    def test_none_and_a_good_one_are_fine(self) -> None:
        checks.admin_key("")
        checks.admin_key(keys.generate(keys.Kind.ADMIN))
        checks.secret_key("")
        checks.secret_key("x" * 32)

    @pytest.mark.parametrize("raw", ["x", keys.generate(keys.Kind.TENANT), "tenlyr_live_tf_short"])
    def test_no_admin_key(self, raw: str) -> None:
        assert refused(checks.admin_key, raw).startswith("TENLYR_ADMIN_KEY is not an admin key:")

    def test_a_short_secret(self) -> None:
        sentence = refused(checks.secret_key, "x" * 31)
        assert sentence == "TENLYR_SECRET_KEY must have at least 32 characters."


class TestDatabase:
    @pytest.fixture(autouse=True)
    def _given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def check(self, url: str) -> None:
        self.monkeypatch.setenv("DATABASE_URL", url)
        checks.database(url)

    def test_the_role_that_the_set_up_wants_is_fine(self) -> None:
        self.check(servers.current().postgres.deploy_url)

    @pytest.mark.parametrize("url", ["mysql://h/d", "postgres:///d", "postgres://h:99999/d"])
    def test_no_address(self, url: str) -> None:
        assert refused(self.check, url).startswith("DATABASE_URL must be an address that begins")

    def test_no_database(self) -> None:
        sentence = refused(self.check, "postgres://u:p@h/")
        assert sentence == "DATABASE_URL names no database: end it with /NAME."

    def test_nobody_there(self) -> None:
        url = f"postgres://u:p@{ports.HOST}:{ports.any_free()}/d"
        assert refused(self.check, url).startswith("DATABASE_URL cannot be reached: ")

    def test_a_wrong_password(self) -> None:
        postgres = servers.current().postgres
        sentence = refused(self.check, postgres.url("tenlyr_deploy", "wrong", "tenlyr"))
        assert "password authentication failed" in sentence
        assert "wrong" not in sentence

    def test_a_password_that_cannot_be_read_is_not_shown(self) -> None:
        sentence = refused(self.check, f"postgres://u:half%zzsecret@{ports.HOST}:1/d")
        assert sentence.startswith("DATABASE_URL cannot be read: ")
        assert "half" not in sentence

    def test_a_superuser(self) -> None:
        sentence = refused(self.check, servers.current().postgres.superuser_url)
        assert sentence == (
            "The role of DATABASE_URL is a superuser: give it CREATEROLE and CREATEDB."
        )

    @pytest.mark.parametrize("has", ["CREATEROLE", "CREATEDB", ""])
    def test_a_role_that_may_not_make_roles_and_databases(self, has: str) -> None:
        postgres = servers.current().postgres
        with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE narrow LOGIN PASSWORD 'narrow' {has}")
            try:
                connection.execute("GRANT CONNECT ON DATABASE tenlyr TO narrow")
                sentence = refused(self.check, postgres.url("narrow", "narrow", "tenlyr"))
            finally:
                connection.execute("REVOKE CONNECT ON DATABASE tenlyr FROM narrow")
                connection.execute("DROP ROLE narrow")
        assert sentence == "The role of DATABASE_URL needs CREATEROLE and CREATEDB."

    def test_an_old_server(self) -> None:
        self.monkeypatch.setattr(checks, "OLDEST_POSTGRES", 990_000)
        sentence = refused(self.check, servers.current().postgres.deploy_url)
        assert sentence == "DATABASE_URL is a Postgres older than 15."


class TestPooler:
    @pytest.fixture(autouse=True)
    def _given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def check(self, url: str) -> None:
        self.monkeypatch.setenv("DATABASE_POOL_URL", url)
        checks.pooler()

    def test_none_and_one_that_listens_are_fine(self) -> None:
        self.check("")
        self.check(servers.current().postgres.deploy_url)

    def test_no_database(self) -> None:
        sentence = refused(self.check, f"postgres://{ports.HOST}")
        assert sentence == "DATABASE_POOL_URL names no database: end it with /NAME."

    def test_nobody_there(self) -> None:
        sentence = refused(self.check, f"postgres://{ports.HOST}:{ports.any_free()}/d")
        assert sentence == "DATABASE_POOL_URL cannot be reached: Connection refused."


class TestBroker:
    @pytest.fixture(autouse=True)
    def _given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def check(self, url: str) -> str:
        self.monkeypatch.setenv("REDIS_URL", url)
        return checks.broker(url)

    def test_what_syncs_before_it_answers_keeps_on_disk(self) -> None:
        assert self.check(servers.current().valkey.url) == "disk"

    def test_what_syncs_later_keeps_in_memory(self, valkey: Valkey) -> None:
        assert self.check(valkey.url) == "memory"

    def test_what_has_no_file_keeps_in_memory(self, valkey: Valkey) -> None:
        with Redis.from_url(valkey.url) as client:
            client.config_set("appendonly", "no")
            try:
                assert self.check(valkey.url) == "memory"
            finally:
                client.config_set("appendonly", "yes")
                # A Valkey that writes its first file does not hear SIGTERM.
                until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])

    def test_no_address(self) -> None:
        assert refused(self.check, "http://h/0").startswith("REDIS_URL must be an address that")

    def test_no_number_of_a_database(self, valkey: Valkey) -> None:
        url = valkey.url.removesuffix("0")
        assert refused(self.check, f"{url}?socket_timeout=x").startswith("REDIS_URL cannot be read")

    def test_nobody_there(self) -> None:
        sentence = refused(self.check, f"redis://{ports.HOST}:{ports.any_free()}/0")
        assert sentence.startswith("REDIS_URL cannot be reached: ")

    def test_no_password(self, valkey: Valkey) -> None:
        port = urlsplit(valkey.url).port
        sentence = refused(self.check, f"redis://{ports.HOST}:{port}/0")
        assert sentence.startswith("REDIS_URL cannot be reached: ")

    def test_one_that_evicts(self, valkey: Valkey) -> None:
        with Redis.from_url(valkey.url) as client:
            client.config_set("maxmemory", "64mb")
            assert self.check(valkey.url) == "memory"
            client.config_set("maxmemory-policy", "allkeys-lru")
            try:
                assert refused(self.check, valkey.url) == (
                    "REDIS_URL evicts keys when full: set maxmemory-policy noeviction."
                )
            finally:
                client.config_set("maxmemory-policy", "noeviction")

    def test_an_old_one(self, valkey: Valkey) -> None:
        self.monkeypatch.setattr(checks, "OLDEST_REDIS", 99)
        assert refused(self.check, valkey.url) == "REDIS_URL is a Redis older than 7."
