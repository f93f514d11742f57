"""Opens an access log: a file or standard input, plain or gzip."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from itertools import islice

_STDIN = 0
_GZIP_MAGIC = b"\x1f\x8b"


class UnreadableLog(Exception):
    """The log cannot be read; the text says why."""


@contextmanager
def raw_lines(file: str, limit: int | None = None) -> Iterator[Iterator[bytes]]:
    """The log's lines, undecoded and at most ``limit``. Raises UnreadableLog, also while reading.

    Lines end at line feeds only: a form feed or a lone carriage return is a character of a line.
    """
    try:
        with ExitStack() as opened:
            is_stdin = file == "-"
            stream = opened.enter_context(
                open(_STDIN if is_stdin else file, "rb", closefd=not is_stdin)
            )
            yield islice(_plain(stream, opened), limit)
    except (OSError, EOFError, zlib.error) as problem:
        name = "standard input" if file == "-" else file
        raise UnreadableLog(f"{name} cannot be read: {problem}") from problem


def _plain(stream: BufferedReader, opened: ExitStack) -> Iterator[bytes]:
    is_gzip = stream.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    return iter(opened.enter_context(gzip.open(stream)) if is_gzip else stream)
