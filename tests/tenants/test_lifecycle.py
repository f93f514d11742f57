"""The lifecycle's verbs, alone and in races (A13, X6, X6b, X38, T21, T35)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.audit import trail
from apps.audit.models import AuditEntry
from apps.tenants import catalogue, lifecycle, selectors, states
from apps.tenants.errors import (
    AlreadySuspended,
    AlreadyTerminated,
    NotSuspended,
    TenantNotFound,
)
from apps.tenants.models import DeletionCertificate, Tenant, TenantKey
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from apps.webhooks.models import OutboxEvent
from tenlyr.core import auth, clock, epochs, errors, events, ids
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint
from tests import cast
from tests.cast import Customer
from tests.tenants.support import at_once, code_of


def who(tenant: Customer) -> dict[str, Any]:
    return {"workspace_id": tenant.workspace.id, "tenant_id": tenant.id}


def told(tenant: Customer) -> list[tuple[str, dict[str, Any]]]:
    """The tenant's events after its provisioning, without its id."""
    rows = OutboxEvent.objects.filter(tenant_id=tenant.id).order_by("created_at", "id")
    found = []
    for row in rows.exclude(type="tenant.provisioned"):
        assert row.data.pop("tenantId") == str(tenant.id)
        found.append((row.type, row.data))
    return found


def recorded(tenant: Customer) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(tenant_id=tenant.id).order_by("seq")
    return [row.body for row in rows if row.body["action"] != "tenant.provisioned"]


def is_refused_here(raw: str) -> bool:
    """Whether this process refuses the key with all that it has cached."""
    try:
        auth.resolve(raw, "192.0.2.255")
    except errors.AuthenticationFailed:
        return True
    return False


class TestSuspend:
    def test_it_blocks_at_once_and_says_why(self, acme: Customer) -> None:
        assert not is_refused_here(acme.key)
        lifecycle.suspend(**who(acme), reason="unpaid")
        assert is_refused_here(acme.key)
        assert code_of(acme.key) == "tenant_suspended"
        assert told(acme) == [("tenant.suspended", {"reason": "unpaid"})]
        assert [entry["reason"] for entry in recorded(acme)] == ["unpaid"]

    def test_without_a_reason_none_is_told(self, acme: Customer) -> None:
        lifecycle.suspend(**who(acme))
        assert told(acme) == [("tenant.suspended", {})]

    def test_twice_is_refused(self, acme: Customer) -> None:
        lifecycle.suspend(**who(acme))
        with pytest.raises(AlreadySuspended):
            lifecycle.suspend(**who(acme))
        assert len(told(acme)) == 1

    def test_of_fifty_at_once_one_does_it(self, acme: Customer) -> None:
        results = at_once(50, lambda _number: lifecycle.suspend(**who(acme)))
        done = [result for result in results if isinstance(result, Tenant)]
        refused = [result for result in results if isinstance(result, AlreadySuspended)]
        assert (len(done), len(refused)) == (1, 49), results
        assert len(told(acme)) == len(recorded(acme)) == 1


class TestReactivate:
    def test_it_gives_access_back(self, acme: Customer) -> None:
        lifecycle.suspend(**who(acme))
        lifecycle.reactivate(**who(acme))
        assert not is_refused_here(acme.key)
        assert [kind for kind, _ in told(acme)] == ["tenant.suspended", "tenant.reactivated"]

    def test_only_a_suspended_one(self, acme: Customer) -> None:
        with pytest.raises(NotSuspended):
            lifecycle.reactivate(**who(acme))


class TestTerminate:
    @pytest.mark.parametrize("before", [Status.PENDING, Status.ACTIVE, Status.SUSPENDED])
    def test_from_every_state_that_lives(self, acme: Customer, before: Status) -> None:
        Tenant.objects.filter(pk=acme.id).update(status=before)
        lifecycle.terminate(**who(acme))
        assert code_of(acme.key) == "tenant_terminated"
        assert told(acme) == [("tenant.terminated", {})]

    def test_nothing_changes_afterwards(self, acme: Customer) -> None:
        lifecycle.terminate(**who(acme))
        verbs: list[Callable[[], Any]] = [
            lambda: lifecycle.suspend(**who(acme)),
            lambda: lifecycle.reactivate(**who(acme)),
            lambda: lifecycle.terminate(**who(acme)),
            lambda: lifecycle.update(**who(acme), name="Other"),
            lambda: lifecycle.change_plan(**who(acme), plan=TenantPlan.SCALE),
            lambda: lifecycle.rotate_key(**who(acme), minted=mint(Kind.TENANT)),
        ]
        for verb in verbs:
            with pytest.raises(AlreadyTerminated):
                verb()
        assert len(told(acme)) == len(recorded(acme)) == 1


class TestChangePlan:
    def test_the_new_limits_count_at_once(self, acme: Customer) -> None:
        assert auth.resolve(acme.key, "").limits == {"api_call": 100_000}
        tenant = lifecycle.change_plan(**who(acme), plan=TenantPlan.SCALE)
        assert tenant.plan is TenantPlan.SCALE
        assert auth.resolve(acme.key, "").limits == {"api_call": 1_000_000}
        assert told(acme) == [("tenant.plan_changed", {"fromPlan": "growth", "toPlan": "scale"})]

    def test_the_same_plan_changes_nothing(self, acme: Customer) -> None:
        lifecycle.change_plan(**who(acme), plan=TenantPlan.GROWTH)
        assert not told(acme)
        assert not recorded(acme)

    def test_the_same_plan_moves_to_its_newest_version(self, acme: Customer) -> None:
        limits = {"api_call": {"limit": 5, "strict": True}}
        catalogue.publish(
            workspace_id=acme.workspace.id, plan=TenantPlan.GROWTH, price_cents=1, limits=limits
        )
        lifecycle.change_plan(**who(acme), plan=TenantPlan.GROWTH)
        assert auth.resolve(acme.key, "").limits == {"api_call": 5}

    def test_a_suspended_tenant_may_change_it(self, acme: Customer) -> None:
        lifecycle.suspend(**who(acme))
        tenant = lifecycle.change_plan(**who(acme), plan=TenantPlan.STARTER)
        assert (tenant.plan, tenant.status) == ("starter", "suspended")


class TestUpdate:
    def test_only_what_is_given_changes(self, acme: Customer) -> None:
        lifecycle.update(**who(acme), region="eu-west-1")
        tenant = Tenant.objects.get(pk=acme.id)
        assert (tenant.name, tenant.region) == ("Acme Corp", "eu-west-1")
        assert [entry["details"] for entry in recorded(acme)] == [{"fields": ["region"]}]

    def test_the_same_values_change_nothing(self, acme: Customer) -> None:
        lifecycle.update(**who(acme), name="Acme Corp", region="us-east-1")
        assert recorded(acme) == []


class TestRotateKey:
    def test_the_old_key_ends_at_once(self, acme: Customer) -> None:
        assert not is_refused_here(acme.key)
        minted = mint(Kind.TENANT)
        tenant = lifecycle.rotate_key(**who(acme), minted=minted)
        assert is_refused_here(acme.key)
        assert (code_of(acme.key), code_of(minted.raw)) == ("key_revoked", "ok")
        assert tenant.api_key_prefix == minted.prefix
        assert told(acme) == [
            ("tenant.key_rotated", {"apiKeyPrefix": minted.prefix, "oldKeyExpiresAt": None})
        ]

    def test_with_grace_both_work_until_it_ends(self, acme: Customer) -> None:
        minted = mint(Kind.TENANT)
        lifecycle.rotate_key(**who(acme), minted=minted, grace=timedelta(minutes=5))
        assert (code_of(acme.key), code_of(minted.raw)) == ("ok", "ok")
        with time_machine.travel(clock.now() + timedelta(seconds=301)):
            assert (code_of(acme.key), code_of(minted.raw)) == ("key_revoked", "ok")

    def test_a_cached_key_ends_with_its_grace_too(self, acme: Customer) -> None:
        lifecycle.rotate_key(**who(acme), minted=mint(Kind.TENANT), grace=timedelta(seconds=20))
        assert not is_refused_here(acme.key)
        with time_machine.travel(clock.now() + timedelta(seconds=21)):
            assert is_refused_here(acme.key)

    def test_grace_is_seven_days_at_most(self, acme: Customer) -> None:
        lifecycle.rotate_key(**who(acme), minted=mint(Kind.TENANT), grace=timedelta(days=400))
        old = TenantKey.objects.get(tenant=acme.id, expires_at__isnull=False)
        assert old.expires_at is not None
        assert old.expires_at <= clock.now() + timedelta(days=7)

    def test_rotating_without_grace_ends_keys_in_grace_as_well(self, acme: Customer) -> None:
        second, third = mint(Kind.TENANT), mint(Kind.TENANT)
        lifecycle.rotate_key(**who(acme), minted=second, grace=timedelta(hours=1))
        lifecycle.rotate_key(**who(acme), minted=third)
        codes = [code_of(raw) for raw in (acme.key, second.raw, third.raw)]
        assert codes == ["key_revoked", "key_revoked", "ok"]

    def test_a_suspended_tenant_may_rotate_and_stays_suspended(self, acme: Customer) -> None:
        lifecycle.suspend(**who(acme))
        minted = mint(Kind.TENANT)
        lifecycle.rotate_key(**who(acme), minted=minted)
        assert code_of(minted.raw) == "tenant_suspended"

    def test_of_many_at_once_one_key_is_left(self, acme: Customer) -> None:
        minted = [mint(Kind.TENANT) for _ in range(20)]
        results = at_once(
            20, lambda number: lifecycle.rotate_key(**who(acme), minted=minted[number])
        )
        assert all(isinstance(result, Tenant) for result in results), results
        working = [key for key in minted if code_of(key.raw) == "ok"]
        assert len(working) == 1
        assert Tenant.objects.get(pk=acme.id).api_key_prefix == working[0].prefix
        assert code_of(acme.key) == "key_revoked"


class TestDelete:
    @pytest.mark.parametrize("before", list(Status))
    def test_from_every_state(self, acme: Customer, before: Status) -> None:
        Tenant.objects.filter(pk=acme.id).update(status=before)
        lifecycle.delete(**who(acme))
        with pytest.raises(TenantNotFound):
            selectors.get(**who(acme))
        assert code_of(acme.key) == "invalid_key"
        assert told(acme) == [("tenant.deleted", {})]
        assert recorded(acme)[0]["details"] == {"status": before}

    def test_a_cached_key_is_refused_at_once(self, acme: Customer) -> None:
        assert not is_refused_here(acme.key)
        lifecycle.delete(**who(acme))
        assert is_refused_here(acme.key)

    def test_its_email_is_free_and_its_keys_are_gone(self, acme: Customer) -> None:
        lifecycle.delete(**who(acme))
        assert not TenantKey.objects.filter(tenant=acme.id).exists()
        cast.tenant(acme.workspace, owner_email=acme.body["ownerEmail"])

    def test_a_certificate_is_opened(self, acme: Customer) -> None:
        lifecycle.delete(**who(acme))
        certificate = DeletionCertificate.objects.get(pk=acme.id)
        assert (certificate.workspace_id, certificate.finished_at) == (acme.workspace.id, None)

    def test_of_many_at_once_one_does_it(self, acme: Customer) -> None:
        results = at_once(10, lambda _number: lifecycle.delete(**who(acme)))
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, TenantNotFound) for result in results) == 9, results


class TestRaces:
    def test_only_legal_states_and_the_trail_replays_to_the_last(self, acme: Customer) -> None:
        """T35: whatever comes first, the audit order leads from state to state to the final one."""
        minted = iter([mint(Kind.TENANT) for _ in range(10)])
        keys = [next(minted) for _ in range(10)]
        verbs: list[Callable[[int], Any]] = [
            lambda _number: lifecycle.suspend(**who(acme)),
            lambda _number: lifecycle.reactivate(**who(acme)),
            lambda number: lifecycle.change_plan(
                **who(acme), plan=list(TenantPlan)[number % len(TenantPlan)]
            ),
            lambda number: lifecycle.rotate_key(**who(acme), minted=keys[number // 5]),
            lambda number: (
                lifecycle.terminate(**who(acme)) if number >= 45 else lifecycle.update(**who(acme))
            ),
        ]
        results = at_once(50, lambda number: verbs[number % 5](number))
        fair = (Tenant, AlreadySuspended, NotSuspended, AlreadyTerminated)
        assert all(isinstance(result, fair) for result in results), results
        assert replayed(recorded(acme)) == Tenant.objects.get(pk=acme.id).status == "terminated"
        assert trail.first_break(acme.workspace.id) is None

    def test_every_change_makes_the_cache_stale(self, acme: Customer) -> None:
        before = auth.resolve(acme.key, "").epoch
        lifecycle.suspend(**who(acme))
        lifecycle.reactivate(**who(acme))
        lifecycle.change_plan(**who(acme), plan=TenantPlan.SCALE)
        assert auth.resolve(acme.key, "").epoch == before + 3
        assert not epochs.is_current(acme.id, before)

    def test_a_failure_while_telling_undoes_the_change(
        self, acme: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_event: events.Event) -> None:
            raise RuntimeError("a subscriber fails")

        monkeypatch.setattr(events, "_subscribers", [*events._subscribers, fail])
        for verb in (lifecycle.suspend, lifecycle.terminate, lifecycle.delete):
            with pytest.raises(RuntimeError, match="a subscriber fails"):
                verb(**who(acme))
        assert Tenant.objects.get(pk=acme.id).status == "active"
        assert not is_refused_here(acme.key)
        assert recorded(acme) == []


class TestOthers:
    def test_another_workspaces_tenant_is_unknown(self, acme: Customer, stranger: Customer) -> None:
        foreign: dict[str, Any] = {"workspace_id": acme.workspace.id, "tenant_id": stranger.id}
        verbs: list[Callable[[], Any]] = [
            lambda: lifecycle.suspend(**foreign),
            lambda: lifecycle.reactivate(**foreign),
            lambda: lifecycle.terminate(**foreign),
            lambda: lifecycle.update(**foreign, name="Mine now"),
            lambda: lifecycle.change_plan(**foreign, plan=TenantPlan.SCALE),
            lambda: lifecycle.rotate_key(**foreign, minted=mint(Kind.TENANT)),
            lambda: lifecycle.delete(**foreign),
        ]
        before = Tenant.objects.filter(pk=stranger.id).values().get()
        for verb in verbs:
            with pytest.raises(TenantNotFound):
                verb()
        assert Tenant.objects.filter(pk=stranger.id).values().get() == before
        with pytest.raises(TenantNotFound):
            lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=ids.uuid7())


def replayed(entries: list[dict[str, Any]]) -> str:
    """The state that the trail's acts lead to; each of them must have been legal when it came."""
    aims = {
        "tenant.suspended": Status.SUSPENDED,
        "tenant.reactivated": Status.ACTIVE,
        "tenant.terminated": Status.TERMINATED,
    }
    now = Status.ACTIVE
    for entry in entries:
        if entry["action"] in aims:
            states.check(now, aims[entry["action"]])
            now = aims[entry["action"]]
        else:
            states.check_not_terminated(now)
    return now
