"""The command `tenlyr` and what belongs to no group: login, logout, completion, export, import."""

import sys
from pathlib import Path
from typing import Optional, cast

import click
from click.shell_completion import get_completion_class

from tenlyr._calls import BASE_URL
from tenlyr._enums import ExportFormat
from tenlyr._keys import checked
from tenlyr._version import __version__
from tenlyr.cli import config
from tenlyr.cli.access_logs import import_log
from tenlyr.cli.moves import moves
from tenlyr.cli.output import ErrorsAreWords, Session, as_json, opened
from tenlyr.cli.tenants import keys, tenants
from tenlyr.cli.watching import health, usage
from tenlyr.cli.webhooks import webhooks


@click.group(cls=ErrorsAreWords, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tenlyr")
@as_json
@click.pass_context
def tenlyr(context: click.Context) -> None:
    """Tenants, their usage, health, isolation and webhooks, from a terminal."""
    context.call_on_close(cast(Session, context.obj).close)


@tenlyr.command()
@click.option("--url", prompt=True, default=BASE_URL, help="Where the API is.")
@click.option("--key", prompt=True, hide_input=True, help="An admin key, or a tenant's.")
@click.pass_obj
def login(session: Session, url: str, key: str) -> None:
    """Keep the API's address and a key, after trying them."""
    with opened(key, url) as client:
        if "_tf_" in checked(key)[:15]:
            client.health.overview()
        else:
            client.usage.metrics(key)
    config.save(config.Login(url, key))
    session.done(f"Kept in {config.path()}.", url=url)


@tenlyr.command()
@click.pass_obj
def logout(session: Session) -> None:
    """Forget the key."""
    was_there = config.forget()
    session.done("Forgotten." if was_there else "There was none.", forgotten=was_there)


@tenlyr.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands: eval "$(tenlyr completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None, "the choice names only shells that click knows"
    click.echo(kind(tenlyr, {}, "tenlyr", "_TENLYR_COMPLETE").source())


@tenlyr.command()
@click.argument("tenant_id")
@click.option("--format", "kind", type=click.Choice(["json", "csv", "zip"]), default="json")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.pass_obj
def export(session: Session, tenant_id: str, kind: ExportFormat, output: Optional[Path]) -> None:
    """Write all that is held of a tenant, to a file or the standard output."""
    content = session.client.tenants.export(tenant_id, format=kind)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from error
    session.done(f"{len(content):,} bytes in {output}.", bytes=len(content), file=str(output))


for command in (tenants, keys, usage, health, moves, webhooks, import_log):
    tenlyr.add_command(command)
