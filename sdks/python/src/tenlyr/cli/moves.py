"""`tenlyr moves`: tenants on their way to another level of isolation."""

import time
from typing import Optional

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tenlyr._enums import MigrationStatus, TargetLevel
from tenlyr._types_platform import Migration
from tenlyr.cli import config
from tenlyr.cli.output import Column, Session, as_json, console
from tenlyr.cli.tenants import maybe

COLUMNS = (
    Column("id", "id"),
    Column("tenant", "tenant_id"),
    Column("from", "from_level"),
    Column("to", "to_level"),
    Column("status", "status"),
    Column("begun", "created_at"),
    Column("error", "error"),
)
STATUSES = click.Choice(["pending", "in_progress", "completed", "failed", "rolled_back"])
LOOK_EVERY_S = 0.5


def sleep(wait_s: float) -> None:
    """Wait; tests do not."""
    time.sleep(wait_s)


@click.group()
def moves() -> None:
    """Move tenants between levels of isolation, while they work."""


@moves.command("list")
@click.option("--tenant-id")
@click.option("--status", type=STATUSES)
@as_json
@click.pass_obj
def list_(session: Session, tenant_id: Optional[str], status: Optional[MigrationStatus]) -> None:
    """List moves, the newest first."""
    client, login = session.client, config.load()
    assert login is not None, "there is a client"
    found = client.isolation.migrations_all(
        login.key, tenant_id=maybe(tenant_id), status=maybe(status)
    )
    session.rows(list(found), COLUMNS)


@moves.command()
@click.argument("tenant_id")
@click.argument("level", type=click.Choice(["dedicated_schema", "dedicated_database"]))
@click.option("--wait", is_flag=True, help="Look on until it is done.")
@as_json
@click.pass_context
def start(context: click.Context, tenant_id: str, level: TargetLevel, wait: bool) -> None:
    """Move a tenant up."""
    session = context.find_object(Session)
    assert session is not None, "the group above made one"
    begun = session.client.isolation.migrate(tenant_id, target_level=level)
    _tell(context, session, _followed(session, begun) if wait else begun)


@moves.command()
@click.argument("migration_id")
@as_json
@click.pass_context
def watch(context: click.Context, migration_id: str) -> None:
    """Look on at a move until it is done. Status 1 when it fails."""
    session = context.find_object(Session)
    assert session is not None, "the group above made one"
    _tell(
        context, session, _followed(session, session.client.isolation.get_migration(migration_id))
    )


@moves.command()
@click.argument("migration_id")
@as_json
@click.pass_obj
def rollback(session: Session, migration_id: str) -> None:
    """Take a completed move back."""
    session.fields(session.client.isolation.rollback(migration_id))


def _tell(context: click.Context, session: Session, move: Migration) -> None:
    session.fields(move)
    context.exit(1 if move.status in ("failed", "rolled_back") else 0)


def _followed(session: Session, move: Migration) -> Migration:
    """The move once it is over, with a bar on a terminal meanwhile."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), transient=True, disable=session.json) as bar:
        task = bar.add_task("pending", total=1)
        while move.status in ("pending", "in_progress"):
            _draw(bar, task, move)
            sleep(LOOK_EVERY_S)
            move = session.client.isolation.get_migration(move.id)
    return move


def _draw(bar: Progress, task: TaskID, move: Migration) -> None:
    progress = move.progress
    step = progress.step or move.status
    bar.update(
        task,
        description=step,
        completed=progress.rows_done,
        total=max(progress.rows_total, 1),
    )
