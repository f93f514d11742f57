"""Whether a call may go on, by the throttle that Tenlyr keeps."""

from typing import Optional

from tenlyr._calls import NOT_GIVEN, Maybe
from tenlyr._resource import Resource, post
from tenlyr._types_alerts import Allowance


class Ratelimit(Resource):
    """Whether a call may go on, by the throttle that Tenlyr keeps."""

    async def check(
        self,
        key: Optional[str] = None,
        *,
        tenant_id: Maybe[str] = NOT_GIVEN,
        cost: Maybe[int] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> Allowance:
        """Ask whether a call has room, and take it. Asking is not counted itself.

        - `tenant_id`: Whose throttle; an admin key's own limit without it. Admin keys only.
        """
        return await self._one(
            Allowance,
            post(
                "/ratelimit/check",
                idempotency_key,
                key=key,
                body={"tenantId": tenant_id, "cost": cost},
            ),
        )
