"""A new tenant in one transaction, in process: place, row, key, event, trail (A1, F1, B3).

The caller mints the key before the transaction opens: its slow hash was made ahead, or is made
beside our statements.
"""

from uuid import UUID

from django.db import IntegrityError, transaction

from apps.isolation import public as isolation
from apps.isolation.public import Level
from apps.tenants import catalogue, keys, selectors
from apps.tenants.emails import key_of
from apps.tenants.errors import EmailTaken, WorkspaceLimitExceeded
from apps.tenants.models import DEFAULT_REGION, Tenant
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from apps.workspaces import public as workspaces
from tenlyr.core import audit, events, ids
from tenlyr.core.events import EventType
from tenlyr.core.stored_key import Minted

EMAIL_CONSTRAINT = "one_tenant_per_email"
# Where a tenant waits for a level that takes longer than a request.
BORN_AT = {Level.DEDICATED_DATABASE: Level.DEDICATED_SCHEMA}


def provision(
    *,
    workspace_id: UUID,
    name: str,
    owner_email: str,
    minted: Minted,
    plan: TenantPlan = TenantPlan.STARTER,
    region: str = DEFAULT_REGION,
    level: Level = Level.SHARED_SCHEMA,
) -> Tenant:
    """Make an active tenant that answers to `minted`.

    A database is not made in a request: a tenant that wants one of its own is born with a schema of
    its own, and its move to the database begins with the commit (A20).
    Raises `EmailTaken` (409), `WorkspaceLimitExceeded` and `LevelNotInPlan` (403); then nothing was
    made.
    """
    tenant = Tenant(
        id=ids.uuid7(),
        workspace_id=workspace_id,
        name=name,
        owner_email=owner_email,
        email_key=key_of(owner_email),
        # Nobody sees it before the commit: its place, key and events are there by then.
        status=Status.ACTIVE,
        region=region,
        api_key_prefix=minted.prefix,
    )
    try:
        with transaction.atomic():
            _refuse_taken(tenant)
            _refuse_over_limit(workspace_id)
            tenant.plan_version = catalogue.current(workspace_id, plan)
            catalogue.check_level(tenant.plan_version, level)
            born_at = BORN_AT.get(level, level)
            isolation.place(tenant.id, born_at)
            tenant.save(force_insert=True)
            keys.issue(tenant, minted)
            _tell(tenant, level)
            if born_at is not level:
                isolation.start_move(workspace_id=workspace_id, tenant_id=tenant.id, target=level)
    except IntegrityError as error:
        if EMAIL_CONSTRAINT not in str(error):
            raise
        # Somebody took the address between our look and our insert.
        _refuse_taken(tenant)
        raise EmailTaken(internal="taken, and free again") from error
    tenant.isolation_level = born_at
    return tenant


def _refuse_taken(tenant: Tenant) -> None:
    existing = selectors.id_by_email(tenant.workspace_id, tenant.owner_email)
    if existing is not None:
        raise EmailTaken(existing_tenant_id=existing)


def _refuse_over_limit(workspace_id: UUID) -> None:
    # Where there is a limit this locks the workspace: tenants are counted one after the other.
    limit = workspaces.tenant_limit(workspace_id)
    if limit is not None and Tenant.objects.filter(workspace_id=workspace_id).count() >= limit:
        raise WorkspaceLimitExceeded(limit=limit)


def _tell(tenant: Tenant, level: Level) -> None:
    events.emit(
        EventType.TENANT_PROVISIONED,
        workspace_id=tenant.workspace_id,
        tenant_id=tenant.id,
        data={
            "tenantId": str(tenant.id),
            "name": tenant.name,
            "plan": tenant.plan,
            "region": tenant.region,
        },
    )
    audit.record(
        "tenant.provisioned",
        workspace_id=tenant.workspace_id,
        tenant_id=tenant.id,
        target=str(tenant.id),
        plan=tenant.plan,
        isolation_level=level,
    )
