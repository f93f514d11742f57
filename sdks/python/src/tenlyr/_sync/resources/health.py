# Made from tenlyr/resources/health.py by make_sync.py: change that file, not this one.
"""How tenants are, and throttles."""

from typing import Iterator, Optional

from tenlyr._answers import Listing
from tenlyr._calls import NOT_GIVEN, Maybe, path
from tenlyr._sync._resource import Resource, delete, get, post, walk
from tenlyr._types import Overview, TenantHealth


class Health(Resource):
    """How tenants are, and throttles."""

    def list(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> Listing[TenantHealth]:
        """How all tenants are, as an array."""
        return self._many(TenantHealth, get("/health", cursor=cursor, limit=limit))

    def list_all(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> Iterator[TenantHealth]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(lambda cursor: self.list(limit=limit, cursor=cursor), cursor)

    def get(self, tenant_id: str) -> TenantHealth:
        """How one tenant is."""
        return self._one(TenantHealth, get(path("/health/{}", tenant_id)))

    def throttle(
        self, tenant_id: str, limit_rpm: int, *, idempotency_key: Optional[str] = None
    ) -> TenantHealth:
        """Let the tenant track so many calls a minute, and no more.

        - `limit_rpm`: Tracked calls a minute.
        """
        return self._one(
            TenantHealth,
            post(
                path("/health/{}/throttle", tenant_id),
                idempotency_key,
                body={"limitRpm": limit_rpm},
            ),
        )

    def remove_throttle(self, tenant_id: str) -> TenantHealth:
        """Let the tenant track as many calls as its plan allows."""
        return self._one(TenantHealth, delete(path("/health/{}/throttle", tenant_id)))

    def overview(self) -> Overview:
        """How many tenants are how."""
        return self._one(Overview, get("/health/overview"))
