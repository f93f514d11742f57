"""An operator's tables as a part that moves: foreign keys, jsonb, bytea, numeric, timestamptz, an
enum of its own on each side, identities, a generated column, a second unique constraint.

A guard at each place asks whether the tenant is there, as the data plane's does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connections

from apps.isolation.databases.aliases import owner_alias
from apps.isolation.moves import links
from apps.isolation.parts import Table
from apps.isolation.public import Location

SHARED = "op_00000000000000000000000000000001"
KEYS = {"customer": ("tenant_id", "id"), "order": ("id",), "document": ("tenant_id", "name", "at")}
TABLES = """
CREATE TYPE {s}.mood AS ENUM ('sad', 'ok', 'glad');
CREATE TABLE {s}.place (tenant_id uuid PRIMARY KEY, is_here boolean NOT NULL);
CREATE TABLE {s}.customer (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    email text NOT NULL,
    mood {s}.mood NOT NULL DEFAULT 'ok',
    moods {s}.mood[],
    balance numeric NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT now(),
    email_length integer GENERATED ALWAYS AS (length(email)) STORED,
    parent bigint,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email),
    FOREIGN KEY (tenant_id, parent) REFERENCES {s}.customer (tenant_id, id)
        ON DELETE SET NULL (parent)
);
CREATE TABLE {s}."order" (
    note text,
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    customer_id bigint NOT NULL,
    total numeric(12, 2) NOT NULL CHECK (total >= 0),
    "odd %name" jsonb NOT NULL DEFAULT '{{}}',
    placed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES {s}.customer (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON {s}.customer (tenant_id, parent);
CREATE INDEX ON {s}."order" (tenant_id, customer_id);
CREATE TABLE {s}.document (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    order_id uuid REFERENCES {s}."order" ON DELETE SET NULL,
    body bytea NOT NULL,
    weight double precision,
    tags text[],
    PRIMARY KEY (tenant_id, name, at)
);
CREATE INDEX ON {s}.document (order_id);
CREATE TABLE {s}.done (id uuid PRIMARY KEY); -- moves with nobody: transactions of this place
GRANT SELECT, INSERT ON {s}.done TO tenlyr_fleet;
CREATE FUNCTION {s}.guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $guard$
DECLARE tenant uuid := coalesce(NEW.tenant_id, OLD.tenant_id);
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7362099, hashtext(tenant::text));
    IF current_setting('application_name') <> 'tenlyr move'
       AND NOT coalesce((SELECT is_here FROM {s}.place WHERE tenant_id = tenant), false) THEN
        RAISE EXCEPTION 'placement_moved' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN coalesce(NEW, OLD);
END $guard$;
"""
FENCE = """
ALTER TABLE {t} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {t} FORCE ROW LEVEL SECURITY;
CREATE POLICY fleet_rw ON {t} FOR ALL TO tenlyr_fleet USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {t} TO tenlyr_fleet;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON {t}
    FOR EACH ROW EXECUTE FUNCTION {s}.guard();
"""


def schema_at(location: Location) -> str:
    """Where the operator's tables are: one schema for all who share, one for each other."""
    return SHARED if location.schema == "tenlyr_shared" else f"d_{location.schema[2:]}"


def build(location: Location) -> None:
    """The tables, if they are not there."""
    schema = schema_at(location)
    with links.owner(location.alias) as owner:
        found = owner.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema]).fetchone()
        if found and found[0]:
            return
        with owner.transaction():
            owner.execute(f"CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO tenlyr_fleet")
            owner.execute(TABLES.format(s=schema))
            for table in KEYS:
                owner.execute(FENCE.format(s=schema, t=f'{schema}."{table}"'))


def destroy(location: Location) -> None:
    """The end of the tables at a place."""
    with links.owner(location.alias) as owner:
        owner.execute(f"DROP SCHEMA IF EXISTS {schema_at(location)} CASCADE")


def destroy_all() -> None:
    """The end of the tables wherever they are in the control plane's database."""
    with links.owner("default") as owner:
        rows = owner.execute(
            "SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE p.proname = 'guard' AND n.nspname ~ '^(op|d)_[0-9a-f]{32}$'"
        )
        for (schema,) in rows.fetchall():
            owner.execute(f"DROP SCHEMA {schema} CASCADE")


def mark(location: Location, tenant_id: UUID, *, is_here: bool) -> None:
    """Let the guard there know."""
    # The data plane's own connection is open too when it is asked to mark.
    with connections[owner_alias(location.alias)].cursor() as owner:
        owner.execute(
            f"INSERT INTO {schema_at(location)}.place VALUES (%s, %s)"
            " ON CONFLICT (tenant_id) DO UPDATE SET is_here = excluded.is_here",
            [tenant_id, is_here],
        )


class ShopPart:
    """The operator's tables as a part."""

    name = "shop"

    def tables(self, tenant_id: UUID, source: Location, target: Location) -> list[Table]:
        here, there = schema_at(source), schema_at(target)
        return [Table(here, name, there, key) for name, key in reversed(KEYS.items())]

    def prepare(self, tenant_id: UUID, source: Location, target: Location) -> None:
        build(target)

    @contextmanager
    def hold(self, tenant_id: UUID) -> Iterator[None]:
        yield  # the engine's own lock holds whoever meets its triggers

    def arrive(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        mark(target, tenant_id, is_here=True)

    def leave(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        mark(source, tenant_id, is_here=False)

    def drop(self, tenant_id: UUID, location: Location) -> int:
        if schema_at(location) != SHARED:
            destroy(location)
            return 0
        removed = 0
        with links.fleet(location) as fleet, fleet.transaction():
            for table in reversed(KEYS):
                removed += fleet.execute(
                    f'DELETE FROM {SHARED}."{table}" WHERE tenant_id = %s', [tenant_id]
                ).rowcount
        return removed


def rows(location: Location, tenant_id: UUID) -> dict[str, list[Any]]:
    """Every row of the tenant at a place, as texts, in order."""
    schema = schema_at(location)
    found = {}
    with links.fleet(location) as fleet:
        for table in KEYS:
            found[table] = [
                row[0]
                for row in fleet.execute(
                    f'SELECT to_jsonb(t)::text FROM {schema}."{table}" t WHERE tenant_id = %s'
                    " ORDER BY 1",
                    [tenant_id],
                )
            ]
    return found
