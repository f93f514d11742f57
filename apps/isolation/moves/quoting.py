"""Names and values written into SQL; here and nowhere else in the move engine."""

from collections.abc import Iterable

from psycopg import sql


def name(*parts: str) -> str:
    """A quoted name: schema and table, or one column."""
    return sql.Identifier(*parts).as_string()


def value(given: object) -> str:
    """A quoted literal."""
    return sql.Literal(given).as_string()


def columns(names: Iterable[str], of: str = "") -> str:
    """Quoted columns, each of the relation `of` where one is named."""
    prefix = f"{of}." if of else ""
    return ", ".join(prefix + name(one) for one in names)
