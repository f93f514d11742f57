"""`manage.py databases`: what an operator reads and does there."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.isolation.databases import database_parts, setting_up
from apps.isolation.models import Database, Server
from apps.isolation.public import database_part
from tenlyr.core import context
from tests.isolation.databases import second
from tests.isolation.databases.second import Second


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("databases", *arguments, stdout=said)
    return said.getvalue()


def test_a_server_is_registered_from_standard_input(
    other: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{other.deploy_url}\n"))
    name = second.slug()
    context.begin(context.RequestContext())  # a command has none
    said = run("register-server", name, "--driver", "server_pool", "--max-databases", "7")
    assert said == f"registered {name} for server_pool\n"
    row = Server.objects.get(name=name)
    assert (row.driver, row.max_databases, row.is_open) == ("server_pool", 7, True)
    (act,) = second.acts(name)
    assert (act["action"], act["actorType"]) == ("isolation.server_registered", "system")
    row.delete()


def test_one_that_cannot_serve_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("postgresql://u:p@127.0.0.1:9/n\n"))
    with pytest.raises(CommandError, match="The server away cannot be reached: Connection refused"):
        run("register-server", "away")


def test_what_there_is_is_listed_without_an_address(own: Database, other: Second) -> None:
    listed = json.loads(run("list", "--json"))
    assert {
        "alias": own.alias,
        "driver": "database",
        "state": "ready",
        "provided": f"a database of its own on the server {own.server}",
        "error": "",
    } in listed["databases"]
    assert str(own.server) in [row["name"] for row in listed["servers"]]
    for text in (run("list"), json.dumps(listed)):
        assert own.alias in text
        assert "postgresql://" not in text


def test_a_database_is_retired(own: Database, other: Second) -> None:
    assert run("retire", own.alias) == f"retired {own.alias}\n"
    assert f"tenlyr_{own.alias}" not in other.databases()
    retired, dropped = second.acts(own.alias)
    assert retired["action"] == "isolation.database_retired"
    assert dropped["action"] == "isolation.database_dropped"
    assert dropped["details"] == {"driver": "database"}


def test_one_that_somebody_lives_in_is_not(own: Database) -> None:
    second.settle(own)
    with pytest.raises(CommandError, match="A tenant lives in the database"):
        run("retire", own.alias)
    with pytest.raises(CommandError, match="There is no database db_nowhere"):
        run("retire", "db_nowhere")


def test_those_behind_are_brought_up_or_named(own: Database, other: Second, request: Any) -> None:
    request.addfinalizer(lambda: database_parts._parts.pop("tests_command"))
    database_part("tests_command", "SELECT 1")
    other.postgres.stop()
    try:
        with pytest.raises(CommandError, match=f"Still behind: .*{own.alias}"):
            run("upgrade")
    finally:
        other.postgres.start()
    assert second.acts(own.alias) == []
    assert run("upgrade").endswith("schemas had something to do\n")
    (act,) = second.acts(own.alias)
    assert act["action"] == "isolation.database_upgraded"
    assert act["details"]["release"] == setting_up.current_release()
