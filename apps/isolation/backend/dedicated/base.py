"""Our backend, with connections from small pools that this process keeps for each database."""

from typing import Any

from django.db.utils import OperationalError

from apps.isolation.backend import base, pools
from apps.isolation.databases import aliases


class DatabaseWrapper(base.DatabaseWrapper):
    """The wrapper behind `db_…` and `db_…_fleet`. A connection keeps nothing of its session: it
    is given back whenever Django closes it.
    """

    connection: Any
    _slot: "pools.Pool | None" = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        pool = pools.of(self.alias)
        try:
            connection = pool.take(lambda: super_connect(self, conn_params))
        except (OperationalError, self.Database.OperationalError):
            aliases.suspect(self.alias)
            raise
        self._slot = pool
        return connection

    def _close(self) -> None:
        connection, pool, self._slot = self.connection, self._slot, None
        if connection is not None and pool is not None:
            self.connection = None
            pool.give(connection)


def super_connect(wrapper: DatabaseWrapper, conn_params: dict[str, Any]) -> Any:
    """A new connection, made as the backend beneath makes one."""
    return base.DatabaseWrapper.get_new_connection(wrapper, conn_params)
