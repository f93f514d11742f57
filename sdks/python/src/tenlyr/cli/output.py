"""What commands print: tables for people, JSON for machines; errors on their own stream."""

import json
from datetime import datetime
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Sequence, TypeVar

import click
import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tenlyr._answers import to_wire
from tenlyr._errors import InvalidRequestError, TenlyrError
from tenlyr._sync._client import TenlyrSync
from tenlyr.cli import config

F = TypeVar("F", bound=Callable[..., Any])
COLOURS = {
    "active": "green",
    "healthy": "green",
    "completed": "green",
    "delivered": "green",
    "enabled": "green",
    "warning": "yellow",
    "suspended": "yellow",
    "paused": "yellow",
    "critical": "red",
    "failed": "red",
    "disabled": "red",
    "terminated": "red",
}


class Column(NamedTuple):
    """A column of a table: its title and the field it shows."""

    title: str
    name: str


class Session:
    """What a command works with: the client and how to print."""

    def __init__(self) -> None:
        self.json = False
        self._client: Optional[TenlyrSync] = None

    @property
    def client(self) -> TenlyrSync:
        """The client of the login; a usage error without one."""
        if self._client is None:
            login = config.load()
            if login is None:
                raise click.UsageError("Log in first: tenlyr login (or set TENLYR_API_KEY).")
            self._client = opened(login.key, login.url)
        return self._client

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def rows(self, answers: Sequence[Any], columns: Sequence[Column]) -> None:
        """Print a list."""
        if self.json:
            self.data([to_wire(one) for one in answers])
        elif answers:
            console().print(table(answers, columns))
        else:
            click.echo("None.")

    def fields(self, answer: Any) -> None:
        """Print one thing, field by field."""
        wire = to_wire(answer)
        if self.json:
            self.data(wire)
            return
        shown = Table.grid(padding=(0, 2))
        for name, value in wire.items():
            shown.add_row(Text(name, style="dim"), cell(value))
        console().print(shown)

    def data(self, value: Any) -> None:
        """Print JSON."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def done(self, message: str, **data: Any) -> None:
        """Say what was done."""
        if self.json:
            self.data(data)
        else:
            click.echo(message)


def opened(key: str, url: str) -> TenlyrSync:
    """A client; a usage error for what is no address."""
    try:
        return TenlyrSync(key, base_url=url)
    except ValueError as error:
        raise click.UsageError(f"{url} is not where an API can be: {error}.") from error


def console() -> Console:
    """A terminal, or whatever the output goes to: then nothing is cut off."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=240)


def table(answers: Iterable[Any], columns: Sequence[Column]) -> Table:
    """A table of answers."""
    made = Table(*(column.title for column in columns), header_style="bold")
    for one in answers:
        made.add_row(*(cell(getattr(one, column.name)) for column in columns))
    return made


def cell(value: Any) -> Text:
    """One value as people read it."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, datetime):
        return Text(value.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(value, (dict, list)):
        return Text(json.dumps(to_wire(value), ensure_ascii=False))
    return Text(str(value), style=COLOURS.get(str(value), ""))


def watched(draw: Callable[[], Table], every_s: float, sleep: Callable[[float], None]) -> None:
    """Draw a table anew until Ctrl-C."""
    with Live(draw(), console=console(), auto_refresh=False) as live:
        try:
            while True:
                sleep(every_s)
                live.update(draw(), refresh=True)
        except KeyboardInterrupt:
            return


def as_json(command: F) -> F:
    """Give a command the option `--json`."""

    def told(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        context.find_object(Session).json |= value  # type: ignore[union-attr]

    option = click.option(
        "--json", is_flag=True, expose_value=False, callback=told, help="JSON for machines."
    )
    return option(command)


class ErrorsAreWords(click.Group):
    """A group whose commands end with a sentence and status 1 when the API refuses."""

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        """Refuse what is no text before anything is done with it."""
        for one in args:
            if any("\ud800" <= letter <= "\udfff" for letter in one):
                raise click.UsageError(f"{one!a} is not valid UTF-8.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except httpx.InvalidURL as error:
            raise click.UsageError(f"That is not where an API can be: {error}.", ctx) from error
        except TenlyrError as error:
            lines = [f"Error: {error}" + (f" ({error.code})" if error.code else "")]
            if isinstance(error, InvalidRequestError):
                lines += [f"  {one.field}: {one.message}" for one in error.errors]
            click.echo("\n".join(lines), err=True)
            ctx.exit(1)
