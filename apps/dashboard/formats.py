"""An export's sections as bytes, piece by piece: JSON, CSV, or a zip of CSV files (B12, X40).

Every format ends with a manifest, so that a file that was cut short can be told from a whole one.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from apps.dashboard import cells
from tenlyr.core.api import wire
from tenlyr.core.registry import Row

PIECE_BYTES = 64 * 1024
LONG_HEADER = ["section", "key", "value", "timestamp"]
# How many of a section's rows are looked at for its file's columns, and the column for all others.
LOOKED_AT = 1_000
MORE = "more"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of an export; its rows come lazily. `is_single` is a part that is one object."""

    name: str
    rows: Iterator[Row]
    is_single: bool = False


def as_json(sections: Iterable[Section]) -> Iterator[bytes]:
    """One JSON object: an array per section, or an object where the section is one."""
    return _pieces(_json_parts(sections))


def as_csv(sections: Iterable[Section]) -> Iterator[bytes]:
    """One CSV in long form: section, key, value, timestamp."""
    return _pieces(_csv_lines(_long_lines(sections)))


def as_zip(sections: Iterable[Section], made_at: datetime) -> Iterator[bytes]:
    """A zip with one CSV file per section and a manifest with each file's rows and SHA-256."""
    outlet = _Outlet()
    manifest: dict[str, dict[str, Any]] = {}
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:
        for section in sections:
            name = f"{section.name}.csv"
            manifest[name] = entry = {"rows": 0, "sha256": ""}
            digest = hashlib.sha256()
            with archive.open(_info(name, made_at), "w", force_zip64=True) as member:
                for piece in _pieces(_csv_lines(_wide_lines(section.rows, entry))):
                    digest.update(piece)
                    member.write(piece)
                    yield from outlet.take()
            entry["sha256"] = digest.hexdigest()
        archive.writestr(_info("manifest.json", made_at), json.dumps(manifest, indent=1))
    yield from outlet.take()


def _json_parts(sections: Iterable[Section]) -> Iterator[bytes]:
    counts: dict[str, int] = {}
    for section in sections:
        yield b"," if counts else b"{"
        yield wire.dumps(section.name) + b":"
        counts[section.name] = 0
        if not section.is_single:
            yield b"["
        for row in section.rows:
            yield b"," if counts[section.name] else b""
            counts[section.name] += 1
            yield wire.dumps(row)
        if not section.is_single:
            yield b"]"
    yield b',"manifest":' + wire.dumps({"rows": counts}) + b"}\n"


def _long_lines(sections: Iterable[Section]) -> Iterator[list[cells.Cell]]:
    yield list(LONG_HEADER)
    counts: dict[str, int] = {}
    for section in sections:
        counts[section.name] = 0
        for row in section.rows:
            counts[section.name] += 1
            yield from cells.long_form(section.name, row)
    for name, count in counts.items():
        yield ["manifest", name, count, ""]


def _wide_lines(rows: Iterator[Row], entry: dict[str, Any]) -> Iterator[list[cells.Cell]]:
    """A header from the first rows, then all rows; a later one's further fields go into `more`."""
    first = list(islice(rows, LOOKED_AT))
    columns = list(dict.fromkeys(name for row in first for name in row))
    if columns:
        yield [cells.cell(name) for name in [*columns, MORE]]
    for row in chain(first, rows):
        entry["rows"] += 1
        more = {name: value for name, value in row.items() if name not in columns}
        yield [*(cells.cell(row.get(name)) for name in columns), cells.cell(more or None)]


def _csv_lines(lines: Iterable[list[cells.Cell]]) -> Iterator[bytes]:
    text = io.StringIO()
    # RFC 4180 line ends; every text is quoted, numbers are not.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for line in lines:
        writer.writerow(line)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces, none of them empty: an empty chunk could end the answer."""
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _info(name: str, made_at: datetime) -> ZipInfo:
    info = ZipInfo(name, made_at.timetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    return info


class _Outlet(io.RawIOBase):
    """What the zip writer writes to, emptied after every piece: the archive is never held whole."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def take(self) -> Iterator[bytes]:
        """What was written since the last time, if anything was."""
        if self._held:
            yield bytes(self._held)
            self._held.clear()
