"""The data plane's own part of a database: its roles' makers, its lookup tables, its functions."""

from pathlib import Path

SQL = Path(__file__).parent / "sql"


def control_sql() -> str:
    """What the control database gets, in a migration."""
    return _joined("roles", "core", "control")


def elsewhere_sql() -> str:
    """What every other database gets, at its set-up and at each upgrade; idempotent."""
    return _joined("roles", "core", "elsewhere")


def _joined(*names: str) -> str:
    return "\n".join((SQL / f"{name}.sql").read_text() for name in names)
