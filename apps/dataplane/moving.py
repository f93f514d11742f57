"""What a move takes along of the data plane: the operator's rows, and the tenant's logins."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from django.db import InternalError, OperationalError, connections, transaction

from apps.dataplane import holding, logins, names, places, selectors
from apps.dataplane.applying import DdlFailed
from apps.dataplane.models import Plane, SchemaState
from apps.dataplane.places import Home
from apps.isolation import public as isolation
from apps.isolation.public import Location, MoveBusy, NotMovable, Table
from apps.tenants import public as tenants

HOLD_TIMEOUT_MS = 250
# A release takes the row for itself before it changes anything.
NO_RELEASE = "SELECT FROM tenlyr_dataplane.applied WHERE schema = %s FOR SHARE"
MARK = """
INSERT INTO tenlyr_dataplane.place (tenant_id, schema, state, epoch) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant_id) DO UPDATE
SET schema = excluded.schema, state = excluded.state, epoch = excluded.epoch
"""


class OperatorTables:
    """The movable part "dataplane" (`isolation.public.Part`)."""

    name = "dataplane"

    def tables(self, tenant_id: UUID, source: Location, target: Location) -> list[Table]:
        """The tables of the release that the source has, those referred to first."""
        home = _home(tenant_id, source)
        if home is None:
            return []
        aim = _schema_at(home.workspace_id, target)
        version = places.version_at(home)
        return [
            Table(home.schema, table.name, aim, table.key, version)
            for table in selectors.tables(home.workspace_id, version)
        ]

    def prepare(self, tenant_id: UUID, source: Location, target: Location) -> None:
        """The target's schema, at the source's version."""
        with transaction.atomic():
            home = _home(tenant_id, source)
            if home is None:
                return
            # A release that began before the move did is waited for.
            Plane.objects.select_for_update().get(pk=home.workspace_id)
            home = _home(tenant_id, source) or home
        try:
            places.furnish(home.workspace_id, target, places.version_at(home))
        except DdlFailed as failed:
            if isinstance(failed.__cause__, (OperationalError, InternalError)):
                raise failed.__cause__  # noqa: B904 - the engine judges: a lock, a server, room
            raise NotMovable(
                "The target does not take the operator's tables.", internal=failed.sentence
            ) from failed

    @contextmanager
    def hold(self, tenant_id: UUID) -> Iterator[None]:
        """Nobody's statement writes an operator's row of the tenant meanwhile, no release comes to
        its schema.
        """
        home = places.home_of(tenant_id)
        if home is None:
            yield
            return
        with _direct(home) as connection, connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {HOLD_TIMEOUT_MS}")
            try:
                connection.execute(
                    "SELECT pg_advisory_xact_lock(tenlyr_dataplane.lock_key(%s))", [tenant_id]
                )
                connection.execute(NO_RELEASE, [home.schema])
            except psycopg.errors.LockNotAvailable as error:
                raise MoveBusy("a transaction holds the tenant's operator rows") from error
            yield

    def arrive(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """The target knows the tenant and its logins: the same roles, with the same passwords."""
        home = _home(tenant_id, target)
        if home is None:
            return
        if target.alias != "default":
            # A suspended one arrives blocked: nothing there asks the control plane.
            is_open = tenants.is_active(tenant_id)
            _mark(home, tenant_id, "here" if is_open else "blocked", epoch)
            SchemaState.objects.filter(pk=home.schema).update(is_open=is_open)
        logins.carry_all(tenant_id, home)

    def leave(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """Old sessions end: whoever comes again gets the new path, or the retryable error."""
        home = _home(tenant_id, source)
        if home is None:
            return
        if source.alias != "default":
            _mark(home, tenant_id, "gone", epoch)
        if _lives_at(tenant_id, target) and (there := _home(tenant_id, target)):
            logins.carry_all(
                tenant_id, there
            )  # those that were made between the arrival and the flip
        logins.kick(logins.live(tenant_id), home)

    def drop(self, tenant_id: UUID, location: Location) -> int:
        """Remove rows, and the schema where it was the tenant's own; raises `ValueError` where it
        lives.
        """
        if _lives_at(tenant_id, location):
            raise ValueError(f"{tenant_id} lives at {location.alias}/{location.schema}")
        home = _home(tenant_id, location)
        if home is None:
            return 0
        logins.withdraw(tenant_id, home, places.home_of(tenant_id))
        gone = holding.delete_all(home, tenant_id)
        if home.is_own:
            places.tear_down(home)
        return gone


def _lives_at(tenant_id: UUID, location: Location) -> bool:
    lives = {(place.alias, place.schema) for place in isolation.group([tenant_id])}
    return (location.alias, location.schema) in lives


def _home(tenant_id: UUID, location: Location) -> Home | None:
    workspace_id = tenants.workspace_of(tenant_id)
    return None if workspace_id is None else places.home_at(workspace_id, location)


def _schema_at(workspace_id: UUID, location: Location) -> str:
    if location.schema.startswith("t_"):
        return names.schema_beside(location.schema)
    return names.shared_schema(workspace_id)


def _mark(home: Home, tenant_id: UUID, state: str, epoch: int) -> None:
    with connections[home.owner].cursor() as cursor:
        cursor.execute(MARK, [tenant_id, home.schema, state, epoch])


def _direct(home: Home) -> "psycopg.Connection[object]":
    """A connection of our own: the engine works on the others meanwhile."""
    params = connections[home.owner].get_connection_params()
    for name in ("cursor_factory", "prepare_threshold", "context"):
        params.pop(name, None)
    return psycopg.connect(**params, autocommit=True)
