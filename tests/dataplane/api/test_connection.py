"""`isolation.connection` and credentials: where a tenant's rows are, and a login that is it."""

import os
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import time_machine

from apps.dataplane import logins
from apps.dataplane.models import Login
from tenlyr.core import clock
from tests import cast
from tests.cast import Account, Api, Customer
from tests.dataplane import plane

PATH = "/api/v1/isolation/connection"


@pytest.fixture
def operator(workspace: Account) -> Account:
    """A workspace with tables."""
    plane.release(workspace)
    return workspace


@pytest.fixture
def tenant(operator: Account) -> Customer:
    return cast.tenant(operator)


def connect(made: dict[str, Any]) -> "psycopg.Connection[Any]":
    """A session with what the answer says."""
    url = f"postgresql://{made['host']}:{made['port']}/{made['database']}"
    url = plane.login_url(url, made["role"], made["password"])
    return psycopg.connect(url, autocommit=True)


class TestAddress:
    def test_a_tenant_asks_for_its_own(self, api: Api, tenant: Customer) -> None:
        shown = api.get(PATH, key=tenant.key).body
        assert shown["tenantId"] == str(tenant.id)
        assert shown["schema"] == f"op_{tenant.workspace.id.hex}"
        assert f"{shown['host']}:{shown['port']}/{shown['database']}" in os.environ["DATABASE_URL"]
        assert (shown["role"], shown["credentials"], shown["version"]) == (None, [], 1)

    def test_an_admin_says_which_tenant(self, api: Api, tenant: Customer) -> None:
        key = tenant.workspace.key
        own = api.get(PATH, key=tenant.key).body
        assert api.get(f"{PATH}?tenantId={tenant.id}", key=key).body == own
        assert api.get(PATH, key=key, x_tenant_id=str(tenant.id)).body == own

    def test_an_admin_who_does_not(self, api: Api, tenant: Customer) -> None:
        answer = api.get(PATH, key=tenant.workspace.key)
        assert (answer.status, answer.body["errors"][0]["code"]) == (422, "required")

    @pytest.mark.parametrize(
        "named",
        [
            *("", "nobody", "{id}", "01a1fd15940b73bf857bfb3124ba0dba"),
            "01A1FD15-940B-73BF-857B-FB3124BA0DBA",
        ],
    )
    def test_what_is_no_id(self, api: Api, operator: Account, named: str) -> None:
        answer = api.get(f"{PATH}?tenantId={named}", key=operator.key)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "tenantId")

    def test_another_workspaces_tenant_is_unknown(
        self, api: Api, operator: Account, stranger: Customer
    ) -> None:
        for named in (stranger.id, uuid4()):
            assert api.get(f"{PATH}?tenantId={named}", key=operator.key).status == 404

    def test_a_workspace_without_tables(self, api: Api, stranger: Customer) -> None:
        for answer in (
            api.get(PATH, key=stranger.key),
            api.post(f"{PATH}/credentials", key=stranger.key),
        ):
            assert (answer.status, answer.body["code"]) == (400, "no_data_plane")
            assert "has released no tables yet" in answer.body["message"]


class TestCredential:
    def test_it_works_at_once_and_is_shown_once(self, api: Api, tenant: Customer) -> None:
        answer = api.post(f"{PATH}/credentials", key=tenant.key)
        assert answer.status == 201, answer.body
        with connect(answer.body) as session:
            session.execute("INSERT INTO notes (text) VALUES ('mine')")
            [(owner,)] = session.execute("SELECT tenant_id FROM notes").fetchall()
        assert owner == tenant.id
        shown = api.get(PATH, key=tenant.key).body
        assert shown["role"] == answer.body["role"]
        assert shown["credentials"] == [
            {name: answer.body[name] for name in ("id", "role", "expiresAt", "createdAt")}
        ]
        assert answer.body["password"] not in str(shown)

    def test_the_password_is_kept_nowhere(self, api: Api, tenant: Customer) -> None:
        made = api.post(f"{PATH}/credentials", key=tenant.key).body
        row = Login.objects.get(pk=made["id"])
        assert made["password"].encode() not in bytes(row.verifier)
        assert b"SCRAM" not in bytes(row.verifier)

    def test_a_repeat_answers_alike(self, api: Api, tenant: Customer) -> None:
        first, second = (
            api.post(f"{PATH}/credentials", key=tenant.key, idempotency_key="a") for _ in range(2)
        )
        assert first.body == second.body
        assert Login.objects.filter(tenant_id=tenant.id).count() == 1

    def test_an_admin_makes_one_for_a_tenant(self, api: Api, tenant: Customer) -> None:
        body = {"tenantId": str(tenant.id), "ttlSeconds": 60}
        made = api.post(f"{PATH}/credentials", body, key=tenant.workspace.key).body
        with connect(made) as session:
            assert session.execute("SELECT * FROM notes").fetchall() == []

    def test_only_an_ids_canonical_form_is_one(self, api: Api, tenant: Customer) -> None:
        for raw in (str(tenant.id).upper(), tenant.id.hex):
            answer = api.post(f"{PATH}/credentials", {"tenantId": raw}, key=tenant.workspace.key)
            assert (answer.status, answer.body["errors"][0]["field"]) == (422, "tenantId")

    @pytest.mark.parametrize("ttl", [0, 59, -1, 10**9, "60", 60.5, True])
    def test_a_time_that_is_none(self, api: Api, tenant: Customer, ttl: Any) -> None:
        answer = api.post(f"{PATH}/credentials", {"ttlSeconds": ttl}, key=tenant.key)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "ttlSeconds")

    def test_there_is_an_end_to_them(
        self, api: Api, tenant: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logins, "MOST_LIVE", 2)
        answers = [api.post(f"{PATH}/credentials", key=tenant.key) for _ in range(3)]
        assert [one.status for one in answers] == [201, 201, 400]
        assert answers[2].body["code"] == "too_many_credentials"
        assert answers[2].body["limit"] == 2

    def test_a_suspended_tenant_gets_none(self, api: Api, tenant: Customer) -> None:
        admin = tenant.workspace.key
        api.post(f"/api/v1/tenants/{tenant.id}/suspend", key=admin)
        answer = api.post(f"{PATH}/credentials", {"tenantId": str(tenant.id)}, key=admin)
        assert (answer.status, answer.body["code"]) == (400, "tenant_not_active")

    def test_it_is_on_the_record(self, api: Api, tenant: Customer) -> None:
        from apps.audit.models import AuditEntry

        made = api.post(f"{PATH}/credentials", key=tenant.key).body
        said = AuditEntry.objects.filter(tenant_id=tenant.id).values_list("body", flat=True)
        entry = next(one for one in said if one["action"] == "dataplane.credential_made")
        assert made["role"] in str(entry)
        assert made["password"] not in str(list(said))


class TestEnd:
    def test_an_ended_one_is_out_at_once(self, api: Api, tenant: Customer) -> None:
        made = api.post(f"{PATH}/credentials", key=tenant.key).body
        path = f"{PATH}/credentials/{made['id']}"
        with connect(made) as session:
            session.execute("SELECT 1")
            assert api.delete(path, key=tenant.key).status == 204
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(made)
        assert api.delete(path, key=tenant.key).status == 404

    def test_only_ones_own(self, api: Api, tenant: Customer, stranger: Customer) -> None:
        made = api.post(f"{PATH}/credentials", key=tenant.key).body
        path = f"{PATH}/credentials/{made['id']}"
        neighbour = cast.tenant(tenant.workspace)
        for key in (neighbour.key, stranger.key, stranger.workspace.key):
            assert api.delete(path, key=key).status == 404
        assert api.delete(path, key=tenant.workspace.key).status == 204

    def test_what_has_expired_reads_nothing_and_is_swept(self, api: Api, tenant: Customer) -> None:
        made = api.post(f"{PATH}/credentials", {"ttlSeconds": 60}, key=tenant.key).body
        with connect(made) as session:
            session.execute("SELECT * FROM notes")
            expire(made)
            for statement in ("SELECT * FROM notes", "INSERT INTO notes (text) VALUES ('x')"):
                with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
                    session.execute(statement)
        with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
            assert logins.sweep() >= 1
        assert not role_exists(made["role"])

    def test_the_purge_of_a_tenant_ends_all(self, api: Api, tenant: Customer) -> None:
        from apps.dataplane import holding

        made = api.post(f"{PATH}/credentials", key=tenant.key).body
        with connect(made) as session:
            session.execute("INSERT INTO notes (text) VALUES ('x'), ('y')")
        api.delete(f"/api/v1/tenants/{tenant.id}", key=tenant.workspace.key)
        assert holding.purge(tenant.id) == 3
        assert not role_exists(made["role"])


def expire(made: dict[str, Any]) -> None:
    """Let its time in the database be over; only the owner can."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE tenlyr_dataplane.login SET ends = now() - interval '1 second' WHERE role = %s",
            [made["role"]],
        )


def role_exists(role: str) -> bool:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        return cursor.fetchone() is not None
