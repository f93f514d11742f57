"""Connections that are one tenant: whatever SQL they run, it is that tenant's rows only.

`TenantDatabases` is for psycopg; `tenlyr.database.sqlalchemy` and `tenlyr.database.django` stand on
it.
"""

from tenlyr.database._logins import Login, TenantDatabases, is_moved

__all__ = ["Login", "TenantDatabases", "is_moved"]
