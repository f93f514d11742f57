"""Billing, until it comes: both operations stand on the map and say that they are not here yet
(B24, C8, D10).
"""

from typing import Never

from rest_framework import serializers
from rest_framework.request import Request

from apps.tenants.api.serializers import PLANS
from tenlyr.core import errors
from tenlyr.core.api.permissions import TenantKey
from tenlyr.core.api.schema import documented
from tenlyr.core.api.serializers import MomentField, WireSerializer
from tenlyr.core.api.views import ApiView

ANNOUNCED = "Billing is not in this version: it answers 501 `not_implemented`."


class TenantBillingSerializer(WireSerializer):
    """What a tenant pays, and how that stands (X31)."""

    tenant_id = serializers.UUIDField()
    plan = serializers.ChoiceField(choices=PLANS)
    stripe_customer_id = serializers.CharField(allow_null=True)
    stripe_subscription_id = serializers.CharField(allow_null=True)
    subscription_status = serializers.CharField(allow_null=True)
    mrr_cents = serializers.IntegerField(help_text="A month, in cents.")
    usage_cost_cents = serializers.IntegerField(help_text="Of this period, in cents.")
    currency = serializers.CharField()
    current_period_start = MomentField(allow_null=True)
    current_period_end = MomentField(allow_null=True)
    payment_state = serializers.CharField(allow_null=True)
    last_synced_at = MomentField(allow_null=True)


class PortalSerializer(WireSerializer):
    """Where the tenant looks after its subscription itself."""

    url = serializers.CharField()


class BillingView(ApiView):
    """The tenant's billing."""

    permission_classes = [TenantKey]

    @documented(
        "billing.get",
        response=TenantBillingSerializer,
        description=ANNOUNCED,
        refusals=(501,),
    )
    def get(self, request: Request) -> Never:
        raise errors.NotImplementedYet()


class PortalView(ApiView):
    """Its billing portal."""

    permission_classes = [TenantKey]

    @documented(
        "billing.portalUrl",
        response=PortalSerializer,
        description=ANNOUNCED,
        refusals=(501,),
    )
    def get(self, request: Request) -> Never:
        raise errors.NotImplementedYet()
