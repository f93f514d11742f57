"""Where stock django-tenants sets the session, this backend sets the transaction, and nothing else.

A session-level `SET search_path` stays on the pooler's server connection and is met by the next
client there: wrong rows without an error. Here the schema and the tenant go out with BEGIN, in one
query, as transaction-local settings; tenant work outside a transaction is refused.
"""

from dataclasses import dataclass
from typing import Any

from django.db.utils import DatabaseError
from django_tenants.postgresql_backend import base as stock
from psycopg import sql


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What a transaction may see: one schema, and in it one tenant (or, for the fleet role,
    all).
    """

    schema: str
    tenant_id: str = ""
    read_only: bool = False


PUBLIC = Tenancy("public")


class DatabaseWrapper(stock.DatabaseWrapper):
    """The wrapper behind the aliases `default` and `fleet`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.tenancy = PUBLIC
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _handle_search_path(self, cursor: Any = None) -> None:
        """The stock hook before each cursor: nothing to set here, only tenant work to refuse."""
        if self.tenancy is not PUBLIC and not self.in_atomic_block:
            raise DatabaseError("tenant work needs the transaction that isolation.scope() opens")

    def _start_transaction_under_autocommit(self) -> None:
        """Django's hook to begin a transaction by hand: BEGIN and the settings in one query."""
        mode = " READ ONLY" if self.tenancy.read_only else ""
        with self.wrap_database_errors:
            self.connection.execute(f"BEGIN{mode};" + self._settings(self.tenancy))

    def enter(self, tenancy: Tenancy) -> None:
        """Change what the running transaction sees."""
        with self.wrap_database_errors:
            self.connection.execute(self._settings(tenancy))
        self.tenancy = tenancy

    def _settings(self, tenancy: Tenancy) -> str:
        schema = sql.quote(sql.Identifier(tenancy.schema).as_string(), self.connection)
        tenant = sql.quote(tenancy.tenant_id, self.connection)
        return (
            f"SELECT pg_catalog.set_config('search_path', {schema}, true),"
            f" pg_catalog.set_config('tenlyr.tenant_id', {tenant}, true)"
        )
