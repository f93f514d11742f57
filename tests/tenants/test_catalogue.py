"""The plan catalogue (A10, A11, X13, X14)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from apps.audit.models import AuditEntry
from apps.tenants import catalogue
from apps.tenants.errors import BrokenCatalogue
from apps.tenants.models import PlanVersion, Tenant
from apps.tenants.plans import TenantPlan
from tenlyr.core import ids
from tenlyr.core.metrics import Metric
from tests import cast
from tests.cast import Account, Customer

STRICT_SEATS = {"seats": {"limit": 2, "strict": True}}


def publish(workspace: Account, plan: TenantPlan = TenantPlan.GROWTH, **fields: Any) -> PlanVersion:
    given = {"price_cents": 12_300, "limits": STRICT_SEATS, **fields}
    return catalogue.publish(workspace_id=workspace.id, plan=plan, **given)


@pytest.mark.parametrize(
    ("plan", "price_cents", "most"),
    [
        (TenantPlan.STARTER, 0, (1_000, 1, 3, 100)),
        (TenantPlan.GROWTH, 9_900, (100_000, 10, 10, 10_000)),
        (TenantPlan.SCALE, 39_900, (1_000_000, 100, 50, 100_000)),
        (TenantPlan.ENTERPRISE, 0, (None, None, None, None)),
    ],
)
def test_the_four_seeds(
    workspace: Account, plan: TenantPlan, price_cents: int, most: tuple[int | None, ...]
) -> None:
    version = catalogue.current(workspace.id, plan)
    assert (version.workspace, version.price_cents) == (None, price_cents)
    assert version.limits == {
        metric: {"limit": limit, "strict": metric == "api_call"}
        for metric, limit in zip(Metric, most, strict=True)
    }


def test_a_workspaces_own_version_comes_first_and_is_nobody_elses(workspace: Account) -> None:
    own = publish(workspace)
    assert catalogue.current(workspace.id, TenantPlan.GROWTH) == own
    assert catalogue.current(workspace.id, TenantPlan.SCALE).workspace is None
    assert catalogue.current(cast.workspace().id, TenantPlan.GROWTH).workspace is None


def test_versions_count_up_and_the_newest_is_current(workspace: Account) -> None:
    versions = [publish(workspace, price_cents=price) for price in (1, 2, 3)]
    assert [version.version for version in versions] == [1, 2, 3]
    assert catalogue.current(workspace.id, TenantPlan.GROWTH) == versions[-1]


def test_publishing_is_on_the_record(workspace: Account) -> None:
    version = publish(workspace)
    entry = AuditEntry.objects.filter(workspace_id=workspace.id).latest("seq")
    assert entry.body["action"] == "plan.published"
    assert entry.body["target"] == str(version.id)


def test_unreadable_limits_are_not_published(workspace: Account) -> None:
    with pytest.raises(BrokenCatalogue):
        publish(workspace, limits={"coffee": {"limit": 1, "strict": True}})
    assert not PlanVersion.objects.filter(workspace_id=workspace.id).exists()
    with pytest.raises(ValidationError):
        PlanVersion(name="growth", limits={"seats": 3}).clean()


def test_who_has_an_older_version_keeps_it(workspace: Account) -> None:
    before = cast.tenant(workspace, plan="growth")
    publish(workspace)
    after = cast.tenant(workspace, plan="growth")
    assert catalogue.limits_of(before.id)[Metric.SEATS] == 10
    assert catalogue.limits_of(after.id)[Metric.SEATS] == 2


def test_a_published_version_cannot_be_changed(acme: Customer) -> None:
    version = Tenant.objects.get(pk=acme.id).plan_version
    for spoil in (lambda: version.save(), lambda: version.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            spoil()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == "tenlyr_app"


def test_limits_are_in_counter_units(acme: Customer) -> None:
    assert catalogue.limits_of(acme.id) == {
        Metric.API_CALL: 100_000,
        Metric.STORAGE_GB: 10_000_000,
        Metric.SEATS: 10,
        Metric.COMPUTE: 10_000,
    }


def test_an_unknown_tenant_has_no_limits(acme: Customer) -> None:
    unknown = ids.uuid7()
    assert set(catalogue.limits_by_tenant([acme.id, unknown])) == {acme.id}
    assert set(catalogue.limits_of(unknown).values()) == {None}
