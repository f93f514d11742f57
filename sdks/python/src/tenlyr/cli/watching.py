"""`tenlyr usage` and `tenlyr health`, once or again and again."""

import time
from typing import Any, List, Optional, Sequence

import click
from rich.table import Table

from tenlyr._types import UsageSummary
from tenlyr.cli.output import Column, Session, as_json, cell, console, table, watched

USAGE = (
    Column("tenant", "name"),
    Column("plan", "plan"),
    Column("API calls", "api_calls"),
    Column("of", "api_call_limit"),
    Column("storage GB", "storage_gb"),
    Column("of", "storage_gb_limit"),
    Column("seats", "seats"),
    Column("compute", "compute"),
    Column("cost in cents", "usage_cost_cents"),
)
EVENTS = (
    Column("time", "timestamp"),
    Column("metric", "metric"),
    Column("value", "value"),
    Column("endpoint", "endpoint"),
    Column("status", "status_code"),
    Column("id", "id"),
)
HEALTH = (
    Column("tenant", "tenant_name"),
    Column("status", "status"),
    Column("errors %", "error_rate"),
    Column("requests/min", "request_rate"),
    Column("p50 ms", "p50_ms"),
    Column("p95 ms", "p95_ms"),
    Column("throttle", "rate_limit"),
    Column("since", "since"),
    Column("id", "tenant_id"),
)
LONGEST_WAIT_S = 86_400


def _bounded(
    context: click.Context, parameter: click.Parameter, value: Optional[float]
) -> Optional[float]:
    """Refuse what nobody can wait for; NaN is neither above nor below anything."""
    if value is not None and not 0 < value <= LONGEST_WAIT_S:
        raise click.BadParameter(f"Must be above 0, at most {LONGEST_WAIT_S}.", context, parameter)
    return value


every = click.option(
    "--watch", type=float, metavar="SECONDS", callback=_bounded, help="Again and again."
)


def sleep(wait_s: float) -> None:
    """Wait; tests do not."""
    time.sleep(wait_s)


def show(
    session: Session, found: List[Any], columns: Sequence[Column], again: Optional[float], look: Any
) -> None:
    """Print a list once, or draw it anew."""
    if again is None or session.json:
        session.rows(found, columns)
    else:
        watched(lambda: table(look(), columns), again, sleep)


@click.command()
@click.option("--tenant-key", help="Of one tenant, against its limits; without it of all.")
@click.option("--events", type=int, metavar="N", help="The tenant's last N events.")
@every
@as_json
@click.pass_obj
def usage(
    session: Session, tenant_key: Optional[str], events: Optional[int], watch: Optional[float]
) -> None:
    """Show what tenants use this month."""
    client = session.client
    if tenant_key is None:
        if events is not None:
            raise click.UsageError("Events are a tenant's: give --tenant-key, too.")
        show(session, client.tenants.health(), USAGE, watch, client.tenants.health)
    elif events is not None:
        found = client.usage.events(tenant_key, events)
        show(session, found, EVENTS, watch, lambda: client.usage.events(tenant_key, events))
    elif session.json:
        session.data(client.usage.summary(tenant_key).to_dict())
    elif watch is None:
        console().print(standing(client.usage.summary(tenant_key)))
    else:
        watched(lambda: standing(client.usage.summary(tenant_key)), watch, sleep)


def standing(summary: UsageSummary) -> Table:
    """A tenant's metrics against their limits."""
    made = Table("metric", "used", "limit", "%", "at the end", "exhausted", header_style="bold")
    for name, one in summary.metrics.items():
        values = (name, one.used, one.limit, one.percentage, one.projected, one.exhausts_at)
        made.add_row(*map(cell, values))
    return made


@click.group(invoke_without_command=True)
@every
@as_json
@click.pass_context
def health(context: click.Context, watch: Optional[float]) -> None:
    """Show how tenants are; throttle one."""
    if context.invoked_subcommand is None:
        session = context.find_object(Session)
        assert session is not None, "the group above made one"
        client = session.client
        show(session, list(client.health.list_all()), HEALTH, watch, client.health.list)


@health.command("get")
@click.argument("tenant_id")
@as_json
@click.pass_obj
def get_health(session: Session, tenant_id: str) -> None:
    """Show how one tenant is."""
    session.fields(session.client.health.get(tenant_id))


@health.command()
@as_json
@click.pass_obj
def overview(session: Session) -> None:
    """Show how many tenants are how."""
    session.fields(session.client.health.overview())


@health.command()
@click.argument("tenant_id")
@click.argument("limit_rpm", type=click.IntRange(1))
@as_json
@click.pass_obj
def throttle(session: Session, tenant_id: str, limit_rpm: int) -> None:
    """Let a tenant track so many calls a minute, and no more."""
    session.fields(session.client.health.throttle(tenant_id, limit_rpm))


@health.command()
@click.argument("tenant_id")
@as_json
@click.pass_obj
def unthrottle(session: Session, tenant_id: str) -> None:
    """Take the throttle away."""
    session.fields(session.client.health.remove_throttle(tenant_id))
