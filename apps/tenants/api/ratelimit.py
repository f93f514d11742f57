"""The rate limits, for an operator's own gateway: it spends from the same buckets (X41)."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenants import ratelimiting
from tenlyr.core import context, errors
from tenlyr.core.api.permissions import AnyKey
from tenlyr.core.api.schema import documented
from tenlyr.core.api.serializers import IdField, StrictIntegerField, WireSerializer
from tenlyr.core.api.views import ApiView

MOST_AT_ONCE = 1_000


class CheckSerializer(WireSerializer):
    """The body of `ratelimit.check`."""

    tenant_id = IdField(
        required=False,
        help_text="Whose throttle; an admin key's own limit without it. Admin keys only.",
    )
    cost = StrictIntegerField(default=1, min_value=1, max_value=MOST_AT_ONCE)


class AllowanceSerializer(WireSerializer):
    """Whether the call may go on. All numbers are null where nothing limits it."""

    allowed = serializers.BooleanField(source="is_allowed", help_text="Then the cost was taken.")
    limit = serializers.IntegerField(allow_null=True, help_text="Calls a minute.")
    remaining = serializers.IntegerField(
        allow_null=True, help_text="Null too while nobody can count; then all is allowed."
    )
    reset_seconds = serializers.IntegerField(
        source="reset_s", allow_null=True, help_text="Until there is more room."
    )
    retry_after = serializers.IntegerField(
        source="retry_after_s",
        allow_null=True,
        help_text="Seconds, of a call that was refused; null for one that will never have room.",
    )


class CheckView(ApiView):
    """Ask whether a call has room, and take it. Asking is not counted itself."""

    is_counted = False
    permission_classes = [AnyKey]

    @documented(
        "ratelimit.check", request=CheckSerializer, response=AllowanceSerializer, idempotent=True
    )
    def post(self, request: Request) -> Response:
        data = self.read(CheckSerializer)
        tenant_id = data.get("tenant_id")
        if tenant_id is not None and not self.principal.is_admin:
            raise errors.invalid("tenantId", "unknown_field", "Only an admin key names a tenant.")

        def run() -> dict[str, Any]:
            allowance = ratelimiting.spend(self.principal, tenant_id, data["cost"])
            context.current().answer_headers = allowance.headers
            return dict(AllowanceSerializer(allowance).data)

        return self.once(run, body=data)
