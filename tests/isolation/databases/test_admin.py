"""Servers in the admin: the address goes in and never comes out."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.isolation.databases import addresses, aliases, servers
from apps.isolation.models import Database, Server
from apps.workspaces.models import Operator
from tests.isolation.databases import second
from tests.isolation.databases.second import Second

ADD = "/admin/isolation/server/add/"


@pytest.fixture
def browser() -> Iterator[Client]:
    """A signed-in operator of the whole installation."""
    operator = Operator.objects.create_superuser(
        username=second.slug(), password="a long enough password"
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(operator)
    yield client
    operator.delete()


def fields(name: str, address: str, **more: Any) -> dict[str, Any]:
    given = {"name": name, "driver": "database", "address": address, "max_databases": 5}
    return {**given, "is_open": "on", "pool_url": "", **more}


def test_a_server_is_registered_and_its_address_is_not_shown(
    browser: Client, other: Second
) -> None:
    name = second.slug()
    assert browser.post(ADD, fields(name, other.deploy_url)).status_code == 302
    row = Server.objects.get(name=name)
    assert servers.address_of(row) == addresses.parse(other.deploy_url)
    page = browser.get(f"/admin/isolation/server/{row.pk}/change/").content.decode()
    assert name in page
    assert addresses.parse(other.deploy_url).password not in page
    assert "tenlyr_deploy" not in page
    row.delete()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "A server needs an address."),
        ("mysql://h/n", "must begin with postgresql:// and name a host."),
        ("postgresql://u:secretsauce@127.0.0.1:9/n", "cannot be reached: Connection refused."),
    ],
)
def test_one_that_cannot_serve_is_refused(browser: Client, address: str, said: str) -> None:
    name = second.slug()
    page = browser.post(ADD, fields(name, address))
    assert page.status_code == 200
    assert said in page.content.decode()
    assert "secretsauce" not in page.content.decode()
    assert not Server.objects.filter(name=name).exists()


def test_an_empty_address_leaves_it_as_it_is(browser: Client, server: Server) -> None:
    before = bytes(server.dsn)
    url = f"/admin/isolation/server/{server.pk}/change/"
    answer = browser.post(url, fields(server.name, "", max_databases=9))
    assert answer.status_code == 302
    server.refresh_from_db()
    assert (bytes(server.dsn), server.max_databases) == (before, 9)


def test_a_new_address_reaches_the_databases(browser: Client, own: Database, other: Second) -> None:
    with other.superuser() as connection:
        connection.execute("ALTER ROLE tenlyr_deploy PASSWORD 'rotated'")
    fresh = addresses.parse(other.deploy_url)
    rotated = fresh.dsn.replace(fresh.password, "rotated")
    url = f"/admin/isolation/server/{own.server_id}/change/"
    try:
        answer = browser.post(url, fields(str(own.server), rotated))
        assert answer.status_code == 302
        own.refresh_from_db()
        assert aliases.address_of(own).password == "rotated"
    finally:
        with other.superuser() as connection:
            connection.execute(f"ALTER ROLE tenlyr_deploy PASSWORD '{fresh.password}'")
        browser.post(url, fields(str(own.server), fresh.dsn))


class TestTheTrail:
    def test_has_what_was_done_by_whom(self, browser: Client, other: Second) -> None:
        name = second.slug()
        browser.post(ADD, fields(name, other.deploy_url))
        row = Server.objects.get(name=name)
        change = f"/admin/isolation/server/{row.pk}/change/"
        browser.post(change, fields(name, "", max_databases=9))
        browser.post(change, fields(name, other.deploy_url, max_databases=9))
        browser.post(f"/admin/isolation/server/{row.pk}/delete/", {"post": "yes"})
        assert not Server.objects.filter(pk=row.pk).exists()
        acts = second.acts(name)
        assert [act["action"].removeprefix("isolation.server_") for act in acts] == [
            *("registered", "changed", "readdressed", "changed", "removed")
        ]
        operator = str(Operator.objects.latest("id").pk)
        assert {(act["actorType"], act["actorId"]) for act in acts} == {("operator", operator)}
        assert acts[1]["details"]["fields"] == ["max_databases"]
        assert acts[1]["details"]["max_databases"] == 9
        assert addresses.parse(other.deploy_url).password not in str(acts)

    def test_has_each_of_several_that_are_removed(
        self, browser: Client, server: Server, other: Second
    ) -> None:
        another = servers.register(second.slug(), other.deploy_url)
        chosen = {"action": "delete_selected", "_selected_action": [server.pk, another.pk]}
        browser.post("/admin/isolation/server/", {**chosen, "post": "yes"})
        assert not Server.objects.filter(pk__in=[server.pk, another.pk]).exists()
        for one in (server, another):
            assert second.acts(one.name)[-1]["action"] == "isolation.server_removed"

    def test_keeps_nothing_of_what_was_not_done(self, browser: Client, own: Database) -> None:
        with transaction.atomic():
            servers.readdress(own.server)
            transaction.set_rollback(True)
        browser.post(f"/admin/isolation/server/{own.server_id}/delete/", {"post": "yes"})
        assert [act["action"] for act in second.acts(str(own.server))] == [
            "isolation.server_registered"
        ]


def test_databases_are_to_look_at(browser: Client, own: Database) -> None:
    page = browser.get(f"/admin/isolation/database/{own.alias}/change/").content.decode()
    assert own.provided in page
    assert aliases.address_of(own).password not in page
    assert browser.get("/admin/isolation/database/").status_code == 200
    assert browser.get("/admin/isolation/database/add/").status_code == 403
    assert browser.post(f"/admin/isolation/database/{own.alias}/delete/").status_code == 403
