"""For SQLAlchemy: an engine for each tenant."""

import importlib
import threading
from typing import Any, Callable, Dict, TypeVar

from tenlyr.database._logins import FRESH, TenantDatabases, repeated

T = TypeVar("T")


class TenantEngines:
    """Engines of tenants, each with a small pool; options are those of `create_engine`."""

    def __init__(
        self, databases: TenantDatabases, url: str = "postgresql+psycopg://", **options: Any
    ) -> None:
        self._databases = databases
        self._url = url
        # Connections do not outlive their login, and one that was ended is noticed before its use.
        own = {"pool_recycle": int(databases.ttl_s * (1 - FRESH)) or 1, "pool_pre_ping": True}
        self._options = {**own, "pool_size": 2, **options}
        self._engines: Dict[str, Any] = {}
        self._lock = threading.Lock()

    def engine(self, tenant_id: str) -> Any:
        """The tenant's `Engine`."""
        with self._lock:
            if tenant_id not in self._engines:
                create_engine: Any = importlib.import_module("sqlalchemy").create_engine
                self._engines[tenant_id] = create_engine(
                    self._url, creator=lambda: self._databases.connect(tenant_id), **self._options
                )
            return self._engines[tenant_id]

    def run(self, tenant_id: str, work: Callable[[Any], T]) -> T:
        """What `work` answers, given a `Connection` in a transaction; repeated while it moves."""

        def once() -> T:
            with self.engine(tenant_id).begin() as connection:
                return work(connection)

        return repeated(once, lambda: self._moved(tenant_id), self._databases.sleep)

    def dispose(self) -> None:
        """Close all connections."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _moved(self, tenant_id: str) -> None:
        self._databases.moved(tenant_id)
        self.engine(tenant_id).dispose()
