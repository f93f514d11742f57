"""What goes wrong when code asks for rows in the wrong way. These are mistakes of ours, not of a
caller.
"""

from django.db import DatabaseError


class NoScope(DatabaseError):
    """Tenant-owned rows were asked for outside `isolation.scope()`."""


class ScopeConflict(DatabaseError):
    """A scope was opened for one tenant inside the scope of another."""


class UnknownTenant(LookupError):
    """The tenant has no placement: it was never provisioned, or it is deleted."""
