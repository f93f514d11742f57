"""What every database beside the control plane's must hold in its `public` and in schemas of ours:
the SQL that apps above bring, idempotent, run at each set-up and upgrade.
"""

_parts: dict[str, str] = {}


def database_part(name: str, sql: str) -> None:
    """Name a part, from an app's `ready`; the same name replaces.

    `sql` runs as the owner with `public` as its path, and must bear being run again: CREATE … IF
    NOT EXISTS, OR REPLACE. It names schemas of its own in full, and grants what it wants to grant.
    """
    _parts[name] = sql


def parts() -> dict[str, str]:
    """The parts in the order they were named."""
    return dict(_parts)
