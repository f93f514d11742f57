"""The app's own SQL, which lies in `sql/`: the one place here that has a connection."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import connection

FOLDER = Path(__file__).parent / "sql"


def run(statement: str, given: Mapping[str, Any] | None = None) -> int:
    """Run a statement; answers how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, None if given is None else dict(given))
        return cursor.rowcount


def rows(statement: str, given: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement that answers with rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, None if given is None else dict(given))
        return cursor.fetchall()


@lru_cache(maxsize=32)
def text_of(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text()


def hang_up() -> None:
    """Close the connection of the thread that calls this."""
    connection.close()
