"""What goes wrong with a database of a tenant's own; each message is one sentence for people."""

from django.db import OperationalError


class DatabaseFailed(Exception):
    """A database could not be given, set up or taken back; a later try may finish the work."""


class DatabaseInUse(Exception):
    """Tenants live in the database: it cannot be retired."""


class BadAddress(DatabaseFailed):
    """The address of a server or database is not one that can be used."""


class UnknownDatabase(OperationalError):
    """No database has this alias, or it has no address yet, or none that can be read."""
