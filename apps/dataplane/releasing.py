"""A new version of an operator's tables: read, judged, applied where tenants share, and stored.

It is one transaction: a release that Postgres or the rules refuse leaves nothing behind. The
dedicated schemas are due from then on; the roll-out brings them to the version.
"""

import hashlib
from uuid import UUID

from django.db import connection, transaction

from apps.dataplane import applying, inspecting, names, selectors
from apps.dataplane.applying import CONTROL, DdlFailed
from apps.dataplane.ddl import rules, statements
from apps.dataplane.ddl.statements import Refusal, Statement
from apps.dataplane.errors import DdlRefused, TablesBusy, TenantsMoving, VersionTaken
from apps.dataplane.inspecting import Wrong
from apps.dataplane.models import Plane, Release, SchemaState
from tenlyr.core import audit

OTHERS = """
INSERT INTO dataplane_schemastate
    (schema, workspace_id, location_id, version, is_open, state, error, tries, changed_at)
SELECT 'd_' || right(l.schema_name, 32), %s, l.id, 0, NULL, 'ready', '', 0, now()
FROM tenants_tenant t
JOIN isolation_placement p ON p.tenant_id = t.id
JOIN isolation_location l ON l.id = p.location_id AND l.state = 'claimed'
WHERE t.workspace_id = %s
ON CONFLICT (schema) DO NOTHING
"""


def publish(*, workspace_id: UUID, version: int, sql: str) -> Release:
    """Store version `version` and apply it to the workspace's shared schema.

    Raises `DdlRefused` (422) with the statement and its line, `VersionTaken` (409),
    `TenantsMoving` (409) and `TablesBusy` (503); then nothing was changed.
    """
    read = _read(sql)
    with transaction.atomic():
        plane = _locked(workspace_id)
        _refuse_version(plane, version)
        if selectors.is_moving(workspace_id):
            raise TenantsMoving()
        release = Release.objects.create(
            workspace_id=workspace_id,
            version=version,
            statements=[one.text for one in read],
            checksum=checksum(read),
        )
        state = _shared(workspace_id)
        _apply(state, version, read)
        release.tables = [table.shown() for table in _inspected(state.schema, read)]
        release.save(update_fields=["tables"])
        _await_others(workspace_id)
        plane.version = version
        plane.save(update_fields=["version"])
        audit.record(
            "dataplane.released",
            workspace_id=workspace_id,
            target=str(release.id),
            version=version,
            checksum=release.checksum,
        )
    return release


def checksum(read: list[Statement]) -> str:
    """SHA-256 over the statements, in hex: comments between them and layout do not count."""
    return hashlib.sha256("\0".join(one.text for one in read).encode()).hexdigest()


def checked(sql: str) -> list[Statement]:
    """The statements, each one that a release may hold; raises `statements.Refused`."""
    read = statements.read(sql)
    for one in read:
        rules.check(one)
    return read


def _read(sql: str) -> list[Statement]:
    try:
        return checked(sql)
    except statements.Refused as error:
        raise DdlRefused(error.refusal) from error


def _locked(workspace_id: UUID) -> Plane:
    """The workspace's plane, locked: releases, and schemas built meanwhile, come one by one."""
    Plane.objects.bulk_create([Plane(workspace_id=workspace_id)], ignore_conflicts=True)
    return Plane.objects.select_for_update().get(pk=workspace_id)


def _refuse_version(plane: Plane, version: int) -> None:
    if version <= plane.version:
        raise VersionTaken(current_version=plane.version)


def _shared(workspace_id: UUID) -> SchemaState:
    schema = names.shared_schema(workspace_id)
    applying.build(workspace_id, schema, using=CONTROL)
    state, _ = SchemaState.objects.get_or_create(
        schema=schema, defaults={"workspace_id": workspace_id}
    )
    return state


def _await_others(workspace_id: UUID) -> None:
    """A schema beside each dedicated Location of the workspace is due, where there is none yet."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [workspace_id, workspace_id])


def _apply(state: SchemaState, version: int, read: list[Statement]) -> None:
    try:
        applying.apply(state, version, using=CONTROL)
    except DdlFailed as failed:
        if failed.is_busy:
            raise TablesBusy(internal=str(failed)) from failed
        raise DdlRefused(_refusal(failed, read), internal=failed.state) from failed


def _refusal(failed: DdlFailed, read: list[Statement]) -> Refusal:
    if not 0 < failed.number <= len(read):
        return Refusal("refused_by_postgres", failed.sentence)
    one = read[failed.number - 1]
    return Refusal("refused_by_postgres", failed.sentence, one.number, one.line)


def _inspected(schema: str, read: list[Statement]) -> list[inspecting.Found]:
    with connection.cursor() as cursor:
        tables, wrong = inspecting.inspect(cursor, schema)
    if wrong:
        raise DdlRefused(_blamed(wrong[0], read))
    return tables


def _blamed(wrong: Wrong, read: list[Statement]) -> Refusal:
    """The last statement of the release that names the table is where to look."""
    about = [one for one in read if wrong.table in rules.tables_named(one)]
    if not about:
        return Refusal(wrong.code, wrong.sentence)
    return Refusal(wrong.code, wrong.sentence, about[-1].number, about[-1].line)
