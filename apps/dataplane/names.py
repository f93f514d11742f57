"""What roles and schemas of the data plane are called; the functions in the database refuse any
other name.
"""

import os
from uuid import UUID


def shared_schema(workspace_id: UUID) -> str:
    """The schema in which a workspace's tenants share its tables."""
    return f"op_{workspace_id.hex}"


def schema_beside(location_schema: str) -> str:
    """The schema of the operator's tables beside a dedicated Location's own `t_…`."""
    prefix, _, number = location_schema.partition("_")
    if prefix != "t" or len(number) != 32:
        raise ValueError(f"{location_schema} is no dedicated Location's schema")
    return f"d_{number}"


def new_login() -> str:
    """A login nobody has: random, so that its name tells nothing of its tenant."""
    return f"tenlyr_t_{os.urandom(12).hex()}"
