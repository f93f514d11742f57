"""One schema and its releases: built, brought to a version, and what it has now."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, transaction

from apps.dataplane.models import Release, SchemaState
from tenlyr.core import clock

CONTROL, OWNER = "default", "owner"
# DDL that waits for a lock makes everybody behind it wait too (R18).
LOCK_TIMEOUT_MS = 500
# One statement is one transaction: its bound on locks ends with it.
BRING = """
SELECT tenlyr_dataplane.apply(%s, %s, %s) FROM set_config('lock_timeout', %s, true)
"""
BUSY = frozenset({"55P03", "57014", "40P01"})


class DdlFailed(Exception):
    """Postgres refused a statement: `number` counts from 1, 0 when it is not known."""

    def __init__(self, sentence: str, state: str, number: int) -> None:
        self.sentence, self.state, self.number = sentence, state, number
        super().__init__(sentence)

    @property
    def is_busy(self) -> bool:
        """Whether the same may go through later: a lock was not had, or time ran out."""
        return self.state in BUSY


def apply(state: SchemaState, version: int, *, using: str = OWNER) -> int:
    """Bring one schema to `version`, release after release; answers how many were missing.

    `using` names the database by the owner's alias (no time limit on a statement) or by `default`,
    for a request. A schema that has the version is left alone. Each release is one transaction with
    the mark that it is there; raises `DdlFailed`, and the releases before stay.
    """
    held = version_of(using, state.schema)
    missing = Release.objects.filter(
        workspace_id=state.workspace_id, version__gt=held, version__lte=version
    ).order_by("version")
    done = 0
    for release in missing:
        done += _apply_one(using, state.schema, release)
    _note(state, version_of(using, state.schema))
    return done


def bring(schema: str, releases: Iterable[Release], *, using: str) -> None:
    """Apply the releases that a schema lacks, in their order, in one message each and without a
    note here; raises `DdlFailed`, and the releases before stay.
    """
    with connections[using].cursor() as cursor:
        for release in releases:
            given = [schema, release.version, release.statements, f"{LOCK_TIMEOUT_MS}ms"]
            try:
                cursor.execute(BRING, given)
            except DatabaseError as error:
                raise _failed(error) from error


def build(workspace_id: UUID, schema: str, *, using: str = OWNER) -> None:
    """Make the empty schema and its group, unless they are there."""
    function = "public.dataplane_build" if using == CONTROL else "tenlyr_dataplane.build_schema"
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [workspace_id, schema])


def version_of(using: str, schema: str) -> int:
    """The release that a schema has, by its own database; 0 for none."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT tenlyr_dataplane.version_of(%s)", [schema])
        return int(cursor.fetchone()[0])


def _apply_one(using: str, schema: str, release: Release) -> int:
    with (
        transaction.atomic(using=using),
        connections[using].cursor() as cursor,
        _short_locks(cursor),
    ):
        if using == CONTROL:
            # The app's role hands over no SQL: the function reads the stored release.
            cursor.execute("SELECT public.dataplane_apply(%s, %s)", [schema, release.version])
        else:
            cursor.execute(
                "SELECT tenlyr_dataplane.apply(%s, %s, %s)::integer",
                [schema, release.version, release.statements],
            )
        return int(cursor.fetchone()[0])


@contextmanager
def _short_locks(cursor: Any) -> Iterator[None]:
    """A short wait for locks, and a refusal in our words; the usual wait is put back."""
    cursor.execute("SELECT current_setting('lock_timeout')")
    before = cursor.fetchone()[0]
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT_MS}ms"])
    try:
        yield
    except DatabaseError as error:
        raise _failed(error) from error
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])


def _failed(error: DatabaseError) -> DdlFailed:
    diagnosis = getattr(error.__cause__, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error).split("\n")[0]
    hint = getattr(diagnosis, "message_hint", None) or ""
    number = hint.removeprefix("statement ")
    return DdlFailed(
        f"{said[:300]}.",
        getattr(diagnosis, "sqlstate", None) or "",
        int(number) if number.isdigit() else 0,
    )


def _note(state: SchemaState, version: int) -> None:
    state.version, state.state, state.error = version, SchemaState.State.READY, ""
    state.changed_at = clock.now()
    # Of a row that is there, others may have changed the rest since it was read.
    mine = None if state._state.adding else ["version", "state", "error", "changed_at"]
    state.save(update_fields=mine)
