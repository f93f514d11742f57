"""Plants, committed and taken away again; and proofs of what they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connections

from apps.prover import proving, rows
from apps.prover.models import Cause, Decoy, Proof
from tests import servers

SHARED = settings.SHARED_SCHEMA


def run(*statements: str) -> None:
    """As a superuser, committed."""
    with psycopg.connect(servers.current().postgres.superuser_url, autocommit=True) as direct:
        for statement in statements:
            direct.execute(statement)


@contextmanager
def planted(plant: str, undo: str) -> Iterator[None]:
    """Something wrong in the installation until the end of the block; `;;` parts statements."""
    try:
        run(*plant.split(";;"))
        yield
    finally:
        run(*undo.split(";;"))


def prove(workspace_id: UUID, **more: Any) -> Proof:
    """A finished proof, read back."""
    with proving.alone() as is_alone:
        assert is_alone
        proof = Proof.objects.create(workspace_id=workspace_id, cause=Cause.COMMAND)
        made = proving.prove(proof, **more)
    return Proof.objects.get(pk=made.pk)


def report(proof: Proof) -> dict[str, Any]:
    """The report of a finished proof."""
    assert proof.report is not None, proof.error
    found: dict[str, Any] = proof.report
    return found


def findings(proof: Proof) -> set[tuple[str, str]]:
    """The defects that a proof names, the shared schema written as S."""
    return {
        (one["defect"], one["object"].replace(SHARED, "S")) for one in report(proof)["findings"]
    }


def got_through(proof: Proof) -> set[tuple[str, str, str]]:
    """Table, path and act of every attack that met something."""
    return {
        (line["table"].replace(SHARED, "S"), line["path"], act)
        for line in report(proof)["attacks"]
        for act, said in line["acts"].items()
        if said.startswith("succeeded")
    }


def rows_without_tenant(schema: str = SHARED) -> int:
    """Rows of tenants that nobody knows, past every fence: what decoys would be."""
    with psycopg.connect(servers.current().postgres.superuser_url) as direct:
        cursor = direct.cursor()
        count = 0
        for table in rows.tables(cursor, [schema]):
            cursor.execute(
                f"SELECT count(*) FROM {table.quoted} r WHERE NOT EXISTS"
                " (SELECT 1 FROM public.isolation_placement p WHERE p.tenant_id = r.tenant_id)"
            )
            found = cursor.fetchone()
            count += found[0] if found else 0
    return count


def nothing_left() -> bool:
    """No decoy's row, no note, and no lock of the prover."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
            [proving.LOCK],
        )
        held = cursor.fetchone()[0]
    return not (held or Decoy.objects.exists() or rows_without_tenant())
