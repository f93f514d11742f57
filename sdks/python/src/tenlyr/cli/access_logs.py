"""`tenlyr import`: a web server's access log as usage of a tenant."""

import gzip
import re
import uuid
import zlib
from datetime import datetime
from pathlib import Path
from typing import IO, Counter, Iterator, NamedTuple, Optional

import click
from rich.progress import Progress

from tenlyr._buffer_sync import TrackBufferSync
from tenlyr._errors import TenlyrError
from tenlyr._inputs import TrackEvent
from tenlyr.cli.output import Session, as_json, console

LINE = re.compile(
    r'\S+ \S+ .*?\[(?P<time>[^\]]+)\] "(?:[A-Z]+) (?P<path>[^ "?]+)[^"]*" (?P<status>\d{3}) .*'
)
LONGEST_ENDPOINT = 255
OF_THIS_COMMAND = uuid.UUID("8a3c1f0e-6a55-5b0c-9c1d-5e0f6a8b7c21")


class BrokenLogError(Exception):
    """The file ends before its end, or is not packed as its name says."""


class Request(NamedTuple):
    """One request of a log."""

    id: str
    at: datetime
    endpoint: str
    status: int


@click.command("import")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant-key", required=True, help="Whose usage it is.")
@click.option("--now", is_flag=True, help="Count as of now: the API takes the last 35 days only.")
@as_json
@click.pass_obj
def import_log(session: Session, log: Path, tenant_key: str, now: bool) -> None:
    """Count every request of an access log (common or combined, .gz too).

    Each line has an id of its own: importing a file again counts nothing twice.
    """
    told: Counter[str] = Counter()

    def refused(event: TrackEvent, error: TenlyrError) -> None:
        told["refused"] += 1
        told[f"refused: {error.code or error}"] += 1

    buffer = session.client.usage.buffer(on_error=refused)
    broken = ""
    with Progress(console=console(), transient=True, disable=session.json) as bar:
        task = bar.add_task(log.name, total=log.stat().st_size)
        try:
            with log.open("rb") as file:
                for text in _lines(file, log.suffix == ".gz"):
                    bar.update(task, completed=file.tell())
                    _count(text, told, buffer, tenant_key, now)
        except BrokenLogError as error:
            broken = str(error)
        buffer.close()
    told["sent"] = told["lines"] - told["malformed"] - told["refused"]
    words = ", ".join(f"{name} {told[name]:,}" for name in told)
    session.done(words, **told)
    if broken:
        raise click.ClickException(
            f"{log.name} cannot be read to its end: {broken}. Import the whole file again:"
            " what was counted is not counted twice."
        )


def _count(
    text: str, told: "Counter[str]", buffer: TrackBufferSync, tenant_key: str, now: bool
) -> None:
    request = parsed(text)
    told["lines"] += 1
    told["malformed"] += request is None
    if request is not None:
        buffer.track(
            tenant_key=tenant_key,
            metric="api_call",
            value=1,
            id=request.id,
            endpoint=request.endpoint,
            status_code=request.status,
            timestamp=None if now else request.at,
        )


def _lines(file: IO[bytes], is_packed: bool) -> Iterator[str]:
    source = gzip.GzipFile(fileobj=file) if is_packed else file
    try:
        for number, line in enumerate(source):
            yield f"{number} {line.decode('utf-8', 'replace').rstrip()}"
    except (OSError, EOFError, zlib.error) as error:
        raise BrokenLogError(str(error)) from error


def parsed(numbered: str) -> Optional[Request]:
    """A line, with its number before it, as a request; None when it is none."""
    _, _, text = numbered.partition(" ")
    match = LINE.fullmatch(text)
    if not match:
        return None
    try:
        at = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
    identity = str(uuid.uuid5(OF_THIS_COMMAND, numbered))
    return Request(identity, at, match["path"][:LONGEST_ENDPOINT], int(match["status"]))
