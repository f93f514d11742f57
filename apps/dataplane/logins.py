"""Credentials of a tenant for the operator's tables: made, shown once, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import F, Q

from apps.dataplane import names, places, scram, selectors
from apps.dataplane.errors import CredentialNotFound, TenantBlocked, TooManyCredentials
from apps.dataplane.models import Login
from apps.dataplane.places import Home
from apps.isolation import public as isolation
from apps.tenants import public as tenants
from apps.tenants.public import Status
from tenlyr.core import audit, clock, secrets

log = structlog.get_logger(__name__)

PLACE = "dataplane_login.verifier"
MOST_LIVE = 20
# The class of advisory locks under which a tenant's credentials are counted.
COUNT = 7_362_014
SHORTEST_S, LONGEST_S = 60, 365 * 86_400
MOST_PER_SWEEP = 200
SAVE = """
SELECT tenlyr_dataplane.save_login(l.role, l.tenant, l.verifier, l.ends, l.most, %s)
FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::integer[])
     AS l (role, tenant, verifier, ends, most)
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A new login with its password: the only time it is known."""

    login: Login
    password: str


def live(tenant_id: UUID) -> list[Login]:
    """The tenant's credentials that work, the newest first."""
    rows = Login.objects.filter(tenant_id=tenant_id, revoked_at=None)
    return list(rows.filter(_not_expired()).order_by("-created_at"))


def make(*, workspace_id: UUID, tenant_id: UUID, ttl: timedelta | None = None) -> Made:
    """A login of its own for whoever asks, good until it is ended or `ttl` is over.

    Raises `TenantNotFound`, `TenantBlocked`, `NoDataPlane` and `TooManyCredentials`.
    """
    password = scram.new_password()
    verifier = scram.verifier(password)
    with transaction.atomic():
        if tenants.get(workspace_id, tenant_id).status != Status.ACTIVE:
            raise TenantBlocked()
        # Who moves meanwhile takes along what was committed before its flip.
        isolation.stay(tenant_id)
        home = places.home_of(tenant_id)
        if home is None or not home.version:
            raise selectors.missing(workspace_id)
        _refuse_over_limit(tenant_id)
        alias = home.location.alias
        login = Login.objects.create(
            workspace_id=workspace_id,
            tenant_id=tenant_id,
            role=names.new_login(),
            verifier=secrets.seal(verifier.encode(), place=PLACE),
            aliases=[alias],
            expires_at=clock.now() + ttl if ttl else None,
        )
        _add(alias, login, verifier)
        _record("dataplane.credential_made", login)
    return Made(login, password)


def end(*, workspace_id: UUID, tenant_id: UUID | None, login_id: UUID) -> None:
    """End a credential and its sessions now, of that tenant if one is named. Raises
    `CredentialNotFound`, for one that has ended already too.
    """
    with transaction.atomic():
        rows = Login.objects.select_for_update().filter(
            pk=login_id, workspace_id=workspace_id, revoked_at=None
        )
        login = (rows if tenant_id is None else rows.filter(tenant_id=tenant_id)).first()
        if login is None:
            raise CredentialNotFound()
        _end(login)
        _record("dataplane.credential_ended", login)


def end_all(tenant_id: UUID) -> int:
    """End every credential of a tenant that is going; answers how many there were."""
    rows = Login.objects.filter(tenant_id=tenant_id, revoked_at=None)
    with transaction.atomic():
        for login in rows.select_for_update():
            _end(login)
        gone, _ = Login.objects.filter(tenant_id=tenant_id).delete()
    return gone


def sweep() -> int:
    """Remove the roles of credentials whose time is over; answers how many.

    New ones first, then those that were not tried for longest; a database that is away is asked
    once. A sweep may end anywhere, and one that fails must not stand before all others.
    """
    due = Login.objects.filter(revoked_at=None, expires_at__lte=clock.now())
    order = (F("tried_at").asc(nulls_first=True), "expires_at")
    done, away = 0, set[str]()
    for login in due.order_by(*order)[:MOST_PER_SWEEP]:
        due.filter(pk=login.pk).update(tried_at=clock.now())
        own = {alias for alias in login.aliases if alias != "default"}
        if away & own:
            continue
        try:
            with transaction.atomic():
                _end(login)
                _record("dataplane.credential_expired", login)
            done += 1
        except DatabaseError as error:  # its database may be away: it is refused there anyway
            away |= own
            log.warning("dataplane.not_swept", role=login.role, reason=type(error).__name__)
    return done


def carry_all(tenant_id: UUID, home: Home) -> None:
    """Let the tenant's logins into another place, by the same names and passwords. Who ends one
    meanwhile waits, and then knows of that place.
    """
    with transaction.atomic():
        ours = Login.objects.filter(tenant_id=tenant_id, revoked_at=None).filter(_not_expired())
        if found := list(ours.order_by("pk").select_for_update()):
            _carry(found, home)


def _carry(carried: Sequence[Login], home: Home) -> None:
    """One statement for all of them: in a move the tenant's writers wait meanwhile."""
    verifiers = [secrets.unseal(bytes(one.verifier), place=PLACE).decode() for one in carried]
    known = [_known(*one) for one in zip(carried, verifiers, strict=True)]
    with connections[home.owner].cursor() as cursor:
        cursor.execute(SAVE, [home.schema, *(list(column) for column in zip(*known, strict=True))])
    alias = home.location.alias
    new = [login for login in carried if alias not in login.aliases]
    for login in new:
        login.aliases = [*login.aliases, alias]
    Login.objects.bulk_update(new, ["aliases"])


def kick(kicked: Sequence[Login], home: Home) -> None:
    """End the sessions of logins in a database."""
    with connections[home.owner].cursor() as cursor:
        cursor.execute(
            "SELECT tenlyr_dataplane.kick(role) FROM unnest(%s::text[]) AS role",
            [[login.role for login in kicked]],
        )


def withdraw(tenant_id: UUID, left: Home, lives: Home | None) -> None:
    """Let the tenant's logins into a place no more. Where it lives in the same database, names are
    looked up there again; where it does not, the shared place goes on saying that it moved.
    """
    alias = left.location.alias
    is_same = lives is not None and lives.location.alias == alias
    for login in Login.objects.filter(tenant_id=tenant_id, revoked_at=None):
        if is_same and lives is not None:
            with connections[left.owner].cursor() as cursor:
                cursor.execute(
                    "SELECT tenlyr_dataplane.send_on(%s, %s, %s)",
                    [login.role, left.schema, lives.schema],
                )
        elif left.is_own:
            login.aliases = [one for one in login.aliases if one != alias]
            login.save(update_fields=["aliases"])


def _end(login: Login) -> None:
    login.refresh_from_db(from_queryset=Login.objects.select_for_update())
    # The control database last: its transaction is still open, and databases of one server have
    # their roles in common.
    for alias in sorted(login.aliases, key="default".__eq__):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT tenlyr_dataplane.drop_login(%s)", [login.role])
    login.revoked_at = clock.now()
    login.save(update_fields=["revoked_at"])


def _add(alias: str, login: Login, verifier: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT tenlyr_dataplane.add_login(%s, %s, %s, %s, %s)",
            _known(login, verifier),
        )


def _known(login: Login, verifier: str) -> list[Any]:
    most = settings.TENANT_CONNECTIONS
    return [login.role, login.tenant_id, verifier, login.expires_at, most]


def _refuse_over_limit(tenant_id: UUID) -> None:
    with connection.cursor() as cursor:  # counted one after the other
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [COUNT, str(tenant_id)])
    if len(live(tenant_id)) >= MOST_LIVE:
        raise TooManyCredentials(limit=MOST_LIVE)


def _not_expired() -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=clock.now())


def _record(action: str, login: Login) -> None:
    audit.record(
        action,
        workspace_id=login.workspace_id,
        tenant_id=login.tenant_id,
        target=str(login.id),
        role=login.role,
    )
