"""`tenlyr webhooks`: endpoints, what they were sent, and events on this machine."""

import time
from typing import Iterator, Optional, Sequence, Tuple

import click

from tenlyr._enums import DeliveryStatus
from tenlyr._types_platform import EndpointWithSecret
from tenlyr.cli.listening import Forwarder, Listener
from tenlyr.cli.output import Column, Session, as_json
from tenlyr.cli.tenants import maybe

ENDPOINTS = (
    Column("id", "id"),
    Column("url", "url"),
    Column("events", "events"),
    Column("status", "status"),
    Column("tenant", "tenant_id"),
)
DELIVERIES = (
    Column("event", "type"),
    Column("status", "status"),
    Column("attempts", "attempt_count"),
    Column("event's time", "event_created_at"),
    Column("tenant", "tenant_id"),
    Column("id", "id"),
)
STATUSES = click.Choice(["pending", "delivered", "failed", "cancelled"])
POLL_EVERY_S = 1.0


def ticks() -> Iterator[None]:
    """One look after the other until Ctrl-C; tests look a few times."""
    while True:
        yield
        time.sleep(POLL_EVERY_S)


@click.group()
def webhooks() -> None:
    """Endpoints, what they were sent, and events on this machine."""


@webhooks.command("list")
@as_json
@click.pass_obj
def list_(session: Session) -> None:
    """List endpoints."""
    session.rows(list(session.client.webhooks.list_all()), ENDPOINTS)


@webhooks.command()
@click.argument("url")
@click.option("--event", "events", multiple=True, help="Only these types; may be repeated.")
@click.option("--tenant-id", help="An endpoint that hears of this tenant only.")
@as_json
@click.pass_obj
def create(session: Session, url: str, events: Tuple[str, ...], tenant_id: Optional[str]) -> None:
    """Make an endpoint. Its secret is printed this once."""
    made = session.client.webhooks.create(
        url=url, events=maybe(list(events) or None), tenant_id=maybe(tenant_id)
    )
    session.fields(made)


@webhooks.command()
@click.argument("endpoint_id")
@as_json
@click.pass_obj
def test(session: Session, endpoint_id: str) -> None:
    """Send a `webhook.test` to an endpoint."""
    session.fields(session.client.webhooks.test(endpoint_id))


@webhooks.command()
@click.option("--endpoint-id")
@click.option("--status", type=STATUSES)
@click.option("--limit", type=click.IntRange(1), default=50)
@as_json
@click.pass_obj
def deliveries(
    session: Session, endpoint_id: Optional[str], status: Optional[DeliveryStatus], limit: int
) -> None:
    """List what was sent, the newest first."""
    page = session.client.webhooks.deliveries(
        endpoint_id=maybe(endpoint_id), status=maybe(status), limit=limit
    )
    session.rows(page.data, DELIVERIES)


@webhooks.command()
@click.argument("target", metavar="PORT|URL")
@click.option("--event", "events", multiple=True, help="Only these types; may be repeated.")
@as_json
@click.pass_obj
def listen(session: Session, target: str, events: Tuple[str, ...]) -> None:
    """Forward events to a port of this machine, as they happen, signed like real ones.

    An endpoint is made for it, held so that Tenlyr itself sends nothing, and removed at the end.
    """
    url = f"http://127.0.0.1:{target}/" if target.isdigit() else target
    endpoint = _held_endpoint(session, events)
    if not session.json:
        click.echo(f"Events go to {url} until Ctrl-C. Their secret: {endpoint.secret}")
    try:
        _forward(session, Listener(session.client, endpoint.id), Forwarder(url, endpoint.secret))
    except KeyboardInterrupt:
        pass  # that is how it is meant to end
    finally:
        session.client.webhooks.delete(endpoint.id)


def _held_endpoint(session: Session, events: Sequence[str]) -> EndpointWithSecret:
    """Its name has no address, so that nothing is sent in the moment before it is held."""
    made = session.client.webhooks.create(
        url="https://listen.tenlyr.invalid/",
        description="tenlyr webhooks listen",
        events=maybe(list(events) or None),
    )
    session.client.webhooks.pause(made.id)
    return made


def _forward(session: Session, listener: Listener, forwarder: Forwarder) -> None:
    for _ in ticks():
        for event in listener.news():
            outcome = forwarder.send(event)
            if session.json:
                session.data({"event": event.to_dict(), "outcome": outcome})
            else:
                click.echo(f"{event.created_at:%H:%M:%S}  {event.type}  {outcome}")
