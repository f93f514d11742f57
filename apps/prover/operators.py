"""The operator's own tables under attack: decoy tenants with logins of their own, ended after."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connections, transaction

from apps.dataplane.public import SchemaState
from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.prover.targets import Try, WayIn
from tenlyr.core import clock

# Should even the sweep fail, the logins end by themselves.
LIFE = timedelta(minutes=20)
CONNECTIONS = 5
# Where the data plane looks up where a tenant lives: in the control database, and beside it.
SETTLE_HERE = "INSERT INTO tenlyr_dataplane.decoy (tenant_id, schema) VALUES (%s, %s)"
SETTLE_ELSEWHERE = """
INSERT INTO tenlyr_dataplane.place (tenant_id, schema, state, epoch) VALUES (%s, %s, 'here', 0)
"""
SAVE = "SELECT tenlyr_dataplane.save_login(%s, %s, %s, %s, %s, %s)"


class OperatorTables:
    """The target "operators": the data plane's schemas, and a login for each decoy."""

    name = "operators"

    def schemas(self, location: Location, workspace_id: UUID) -> list[str]:
        """The workspace's schema among shared rows, or the one beside a dedicated Location."""
        schema = _schema_at(location, workspace_id)
        return [schema] if schema else []

    def roles(self, tenants: Sequence[UUID]) -> list[str]:
        """A login for each; the name is as the data plane's functions want it."""
        return [f"tenlyr_t_{tenant.hex[-24:]}" for tenant in tenants]

    def prepare(
        self, location: Location, workspace_id: UUID, tenants: Sequence[UUID]
    ) -> list[WayIn]:
        """Settle the decoys in the schema, in no table of real tenants, and let each log in."""
        schema = _schema_at(location, workspace_id)
        if not schema:
            return []
        owner = isolation.owner_alias(location.alias)
        passwords = [secrets.token_urlsafe(24) for _ in tenants]
        settle = SETTLE_HERE if location.alias == "default" else SETTLE_ELSEWHERE
        with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
            for role, tenant, password in zip(self.roles(tenants), tenants, passwords, strict=True):
                cursor.execute(settle, [tenant, schema])
                verifier = _verifier(cursor, role, password)
                ends = clock.now() + LIFE
                cursor.execute(SAVE, [role, tenant, verifier, ends, CONNECTIONS, schema])
        return [
            way
            for role, tenant, password in zip(self.roles(tenants), tenants, passwords, strict=True)
            for way in _ways_in(location.alias, tenant, role, password)
        ]

    def clear(self, alias: str, tenants: Sequence[UUID]) -> None:
        """End the logins and forget the decoys."""
        owner = isolation.owner_alias(alias)
        table = "decoy" if alias == "default" else "place"
        with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
            for role in self.roles(tenants):
                cursor.execute("SELECT tenlyr_dataplane.drop_login(%s)", [role])
            forget = f"DELETE FROM tenlyr_dataplane.{table} WHERE tenant_id = ANY (%s)"
            cursor.execute(forget, [list(tenants)])
        isolation.let_go(owner)


def _schema_at(location: Location, workspace_id: UUID) -> str:
    if location.schema != settings.SHARED_SCHEMA:
        return location.data_schema
    shared = f"op_{workspace_id.hex}"
    return shared if SchemaState.objects.filter(pk=shared).exists() else ""


def _verifier(cursor: Any, role: str, password: str) -> str:
    """Only the verifier travels, so that no server log can hold the password."""
    encrypted: bytes = cursor.connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    return encrypted.decode()


def _ways_in(alias: str, tenant: UUID, role: str, password: str) -> Iterator[WayIn]:
    """Straight to the server; and through the pooler that tenants are told of, if there is one."""
    server = connections[isolation.owner_alias(alias)].settings_dict
    address = {"host": server["HOST"], "port": server["PORT"], "dbname": server["NAME"]}
    login = {"user": role, "password": password}
    yield WayIn("login", tenant, role, partial(_opened, {**address, **login}), _tries(alias, role))
    told = settings.DATAPLANE_URL
    if alias == "default" and told is not None:
        pooler = {"host": told.hostname, "port": told.port or 5432}
        pooler["dbname"] = told.path.lstrip("/") or server["NAME"]
        yield WayIn("pooled login", tenant, role, partial(_opened, {**pooler, **login}), ())


def _tries(alias: str, role: str) -> tuple[Try, ...]:
    """What only a login of the data plane could try: to be somebody else for it."""
    name = "tenlyr_dataplane.login"
    beside = "public.tenants_tenant" if alias == "default" else "public.metering_staging"
    return (
        Try("read the logins", f"SELECT count(*) FROM {name}"),
        Try("become by lookup", f"UPDATE {name} SET tenant_id = %(other)s WHERE role = '{role}'"),
        Try("read where tenants live", "SELECT count(*) FROM tenlyr_dataplane.applied"),
        Try("end another login", "SELECT tenlyr_dataplane.drop_login('nobody')::integer"),
        Try("read tables of Tenlyr's own", f"SELECT count(*) FROM {beside}"),
        Try("switch triggers off", "SET LOCAL session_replication_role = replica"),
        Try("create a table", "CREATE TABLE decoy_of_its_own (tenant_id uuid)"),
    )


@contextmanager
def _opened(address: dict[str, Any]) -> Iterator[Any]:
    """A cursor in a transaction that is rolled back."""
    with psycopg.connect(**address, connect_timeout=5, prepare_threshold=None) as line:
        try:
            yield line.cursor()
        finally:
            line.rollback()
