"""The embedded Postgres and Valkey: made, started, killed, started again, by the right user."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis  # noqa: TID251  # a client of the test's own, of any server

from tenlyr.runtime import accounts, checks, processes
from tenlyr.runtime.errors import StartFailed
from tests.runtime.test_processes import is_gone, until
from tests.stack import Servers
from tests.stack.servers import kill9


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as running:
        yield running


def pid(server: Any) -> int:
    assert server.process is not None
    return int(server.process.pid)


def one(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def valkey(servers: Servers) -> Any:
    return redis.Redis.from_url(servers.valkey.url)


class TestPostgres:
    def test_the_deploy_role_may_make_roles_and_databases_and_no_more(
        self, servers: Servers
    ) -> None:
        url = servers.postgres.deploy_url
        asked = "SELECT array[rolcreaterole, rolcreatedb, rolsuper, rolbypassrls, rolreplication]"
        rights = one(url, f"{asked} FROM pg_roles WHERE rolname = current_user")
        assert rights == [True, True, False, False, False]
        checks.database(url)

    def test_it_is_postgres_18_in_utf8_with_checksums(self, servers: Servers) -> None:
        url = servers.postgres.deploy_url
        assert int(one(url, "SHOW server_version_num")) // 10_000 == 18
        assert one(url, "SHOW server_encoding") == "UTF8"
        assert one(url, "SHOW data_checksums") == "on"

    def test_nobody_enters_without_a_password(self, servers: Servers) -> None:
        url = servers.postgres.url("postgres", "wrong", "tenlyr")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, connect_timeout=5)

    def test_it_listens_on_the_loopback_address_only(self, servers: Servers) -> None:
        url = servers.postgres.superuser_url
        assert one(url, "SHOW listen_addresses") == "127.0.0.1"
        assert one(url, "SHOW unix_socket_directories") == ""

    def test_killed_it_comes_back_with_what_was_committed(self, servers: Servers) -> None:
        url = servers.postgres.deploy_url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        backend = one(url, "SELECT pg_backend_pid()")
        kill9(servers.postgres)
        servers.postgres.start()
        assert servers.postgres.deploy_url == url
        assert one(url, "SELECT id FROM kept") == 7
        assert is_gone(backend)

    def test_a_lock_file_whose_pid_is_another_process_is_no_hindrance(
        self, servers: Servers
    ) -> None:
        kill9(servers.postgres)
        processes.evict(partial(processes.inhabitants, servers.postgres.data, "postgres"))
        lock = servers.postgres.data / "postmaster.pid"
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
        servers.postgres.start()
        assert one(servers.postgres.deploy_url, "SELECT 1") == 1

    def test_sigint_stops_it_though_clients_stay(self, servers: Servers) -> None:
        with psycopg.connect(servers.postgres.deploy_url) as client:
            client.execute("SELECT 1")
            servers.postgres.stop()
            assert servers.postgres.process is not None
            assert servers.postgres.process.returncode == 0
            with pytest.raises(psycopg.OperationalError):
                client.execute("SELECT 1")
            client.close()
        servers.postgres.start()

    def test_the_superuser_is_refused_as_database_url(self, servers: Servers) -> None:
        with pytest.raises(StartFailed, match="is a superuser"):
            checks.database(servers.postgres.superuser_url)

    def test_a_role_that_may_make_nothing_is_refused(self, servers: Servers) -> None:
        with psycopg.connect(servers.postgres.superuser_url, autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        with pytest.raises(StartFailed, match="needs CREATEROLE and CREATEDB"):
            checks.database(servers.postgres.url("plain", "plain", "tenlyr"))


class TestValkey:
    def test_its_answer_means_on_disk(self, servers: Servers) -> None:
        client = valkey(servers)
        wanted = {"appendfsync": "always", "appendonly": "yes", "maxmemory-policy": "noeviction"}
        told = {name: client.config_get(name)[name] for name in wanted}
        assert told == wanted
        assert checks.broker(servers.valkey.url) == "disk"

    def test_killed_it_comes_back_with_what_was_answered(self, servers: Servers) -> None:
        client = valkey(servers)
        url = servers.valkey.url
        for number in range(100):
            client.rpush("kept", number)
        kill9(servers.valkey)
        servers.valkey.start()
        assert servers.valkey.url == url
        assert valkey(servers).llen("kept") == 100

    def test_a_torn_end_of_its_file_is_cut_off(self, servers: Servers) -> None:
        valkey(servers).set("before", "1")
        kill9(servers.valkey)
        newest = max(servers.valkey.data.glob("appendonlydir/*.incr.aof"), key=os.path.getmtime)
        with newest.open("ab") as file:
            file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
        servers.valkey.start()
        assert valkey(servers).get("before") == b"1"

    def test_its_password_is_on_no_command_line(self, servers: Servers) -> None:
        password = (servers.valkey.folder / "password").read_text().strip()
        line = Path(f"/proc/{pid(servers.valkey)}/cmdline").read_bytes()
        assert password.encode() not in line

    def test_without_a_file_synced_each_time_it_is_memory(self) -> None:
        with Servers(fsync="everysec") as others:
            assert checks.broker(others.valkey.url) == "memory"

    def test_one_that_evicts_is_refused(self, servers: Servers) -> None:
        client = valkey(servers)
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(StartFailed, match="set maxmemory-policy noeviction"):
                checks.broker(servers.valkey.url)
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")


class TestAccount:
    def test_servers_run_as_no_root(self, servers: Servers) -> None:
        account = accounts.for_servers()
        wanted = account.uid if account else os.geteuid()
        for server in (servers.postgres, servers.valkey):
            assert Path(f"/proc/{pid(server)}").stat().st_uid == wanted != 0

    def test_secrets_and_data_are_closed_to_others(self, servers: Servers) -> None:
        secrets = ("postgres/*_password", "valkey/password", "valkey/valkey.conf")
        paths = [path for pattern in secrets for path in servers.folder.glob(pattern)]
        assert len(paths) == 4
        for path in paths:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        for server in (servers.postgres, servers.valkey):
            assert stat.S_IMODE(server.data.stat().st_mode) == 0o700

    def test_they_end_with_whoever_started_them(self) -> None:
        script = (
            "import time\nfrom tests.stack import Servers\nservers = Servers().start()\n"
            "print(servers.folder, servers.postgres.process.pid, servers.valkey.process.pid,"
            " flush=True)\ntime.sleep(60)\n"
        )
        command = [sys.executable, "-c", script]
        starter = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert starter.stdout is not None
        folder, *pids = starter.stdout.readline().decode().split()
        starter.send_signal(signal.SIGKILL)
        starter.communicate(timeout=60)
        for number in pids:
            until(partial(is_gone, int(number)))
        subprocess.run(["rm", "-rf", folder], check=True)


def test_a_database_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(StartFailed, match=r"^DATABASE_URL cannot be reached: "):
        checks.database("postgresql://nobody@127.0.0.1:1/none")


def test_a_redis_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(StartFailed, match=r"^REDIS_URL cannot be reached: "):
        checks.broker("redis://127.0.0.1:1/0")
