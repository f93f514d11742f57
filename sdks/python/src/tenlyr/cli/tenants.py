"""`tenlyr tenants` and `tenlyr keys`."""

from typing import Any, Optional

import click

from tenlyr._calls import NOT_GIVEN
from tenlyr._enums import IsolationLevel, TenantPlan, TenantStatus
from tenlyr._keys import is_well_formed
from tenlyr.cli.output import Column, Session, as_json

PLANS = click.Choice(["starter", "growth", "scale", "enterprise"])
STATUSES = click.Choice(["pending", "active", "suspended", "terminated"])
LEVELS = click.Choice(["shared_schema", "dedicated_schema", "dedicated_database"])
COLUMNS = (
    Column("id", "id"),
    Column("name", "name"),
    Column("owner", "owner_email"),
    Column("plan", "plan"),
    Column("status", "status"),
    Column("isolation", "isolation_level"),
    Column("last active", "last_active_at"),
)


def maybe(value: Any) -> Any:
    """What was not asked for is not sent."""
    return NOT_GIVEN if value is None else value


@click.group()
def tenants() -> None:
    """Make, list and change tenants."""


@tenants.command("list")
@click.option("--plan", type=PLANS)
@click.option("--status", type=STATUSES)
@click.option("--owner-email")
@as_json
@click.pass_obj
def list_(
    session: Session,
    plan: Optional[TenantPlan],
    status: Optional[TenantStatus],
    owner_email: Optional[str],
) -> None:
    """List all tenants."""
    found = session.client.tenants.list_all(
        plan=maybe(plan), status=maybe(status), owner_email=maybe(owner_email)
    )
    session.rows(list(found), COLUMNS)


@tenants.command()
@click.argument("tenant_id")
@as_json
@click.pass_obj
def get(session: Session, tenant_id: str) -> None:
    """Show one tenant."""
    session.fields(session.client.tenants.get(tenant_id))


@tenants.command()
@click.argument("name")
@click.argument("owner_email")
@click.option("--plan", type=PLANS)
@click.option("--region")
@click.option("--isolation-level", type=LEVELS)
@as_json
@click.pass_obj
def create(
    session: Session,
    name: str,
    owner_email: str,
    plan: Optional[TenantPlan],
    region: Optional[str],
    isolation_level: Optional[IsolationLevel],
) -> None:
    """Make a tenant. Its key is printed this once."""
    created = session.client.tenants.create(
        name=name,
        owner_email=owner_email,
        plan=maybe(plan),
        region=maybe(region),
        isolation_level=maybe(isolation_level),
    )
    if session.json:
        session.data(created.to_dict())
        return
    session.fields(created.tenant)
    click.echo(f"\nIts key, shown this once: {created.api_key}")


@tenants.command()
@click.argument("tenant_id")
@click.option("--reason")
@as_json
@click.pass_obj
def suspend(session: Session, tenant_id: str, reason: Optional[str]) -> None:
    """Block a tenant."""
    session.fields(session.client.tenants.suspend(tenant_id, maybe(reason)))


@tenants.command()
@click.argument("tenant_id")
@as_json
@click.pass_obj
def reactivate(session: Session, tenant_id: str) -> None:
    """Give a suspended tenant its access back."""
    session.fields(session.client.tenants.reactivate(tenant_id))


@tenants.command()
@click.argument("tenant_id")
@click.confirmation_option(prompt="End this tenant for good?")
@as_json
@click.pass_obj
def terminate(session: Session, tenant_id: str) -> None:
    """End a tenant for good; its data stays until it is deleted."""
    session.fields(session.client.tenants.terminate(tenant_id))


@tenants.command()
@click.argument("tenant_id")
@click.confirmation_option(prompt="Delete this tenant with all its data?")
@as_json
@click.pass_obj
def delete(session: Session, tenant_id: str) -> None:
    """Delete a tenant and all its data."""
    session.client.tenants.delete(tenant_id)
    session.done("Deleted; the purge of its data has begun.", deleted=tenant_id)


@tenants.command()
@click.argument("tenant_id")
@click.argument("to", metavar="PLAN", type=PLANS)
@as_json
@click.pass_obj
def plan(session: Session, tenant_id: str, to: TenantPlan) -> None:
    """Put a tenant on another plan."""
    session.fields(session.client.tenants.change_plan(tenant_id, to))


@click.group()
def keys() -> None:
    """Rotate tenants' keys, and look at the form of one."""


@keys.command()
@click.argument("tenant_id")
@click.option("--grace", type=int, help="Seconds for which the old key goes on working.")
@as_json
@click.pass_obj
def rotate(session: Session, tenant_id: str, grace: Optional[int]) -> None:
    """Give a tenant a new key. It is printed this once."""
    made = session.client.tenants.rotate_api_key(tenant_id, grace_period_seconds=maybe(grace))
    session.done(
        f"The new key of {made.tenant.name}, shown this once: {made.api_key}", **made.to_dict()
    )


@keys.command()
@click.option("--key", prompt=True, hide_input=True)
@as_json
@click.pass_context
def check(context: click.Context, key: str) -> None:
    """Say whether a key can be one; nothing is sent. Status 1 when it cannot."""
    is_good = is_well_formed(key)
    said = "It has the form of a key." if is_good else "It is no key: mistyped, or cut off."
    context.find_object(Session).done(said, wellFormed=is_good)  # type: ignore[union-attr]
    context.exit(0 if is_good else 1)
