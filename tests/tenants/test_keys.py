"""Tenant keys: found in one query, refused when they must be (A5, X6, X6b, X7, X14)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.tenants import keys
from apps.tenants.models import Tenant, TenantKey
from tenlyr.core import clock, errors, ids
from tenlyr.core import keys as formats
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint
from tests import cast
from tests.cast import Customer
from tests.tenants.support import code_of, resolve, unknown_key


def test_a_key_is_found_in_one_query(acme: Customer) -> None:
    with CaptureQueriesContext(connection) as queries:
        found = keys.load(formats.digest(acme.key))
    assert len(queries) == 1
    assert found is not None
    assert formats.verify(found.verifier, acme.key)


def test_the_caller_is_the_tenant(acme: Customer) -> None:
    caller = resolve(acme.key)
    assert caller.kind is Kind.TENANT
    assert caller.tenant_id == caller.subject == acme.id
    assert caller.workspace_id == acme.workspace.id
    assert caller.status == "active"
    assert caller.limits == {"api_call": 100_000}
    assert (caller.limit_rpm, caller.expires_at) == (0, 0)


def test_the_throttle_reaches_the_caller(acme: Customer) -> None:
    Tenant.objects.filter(pk=acme.id).update(limit_rpm=60)
    found = keys.load(formats.digest(acme.key))
    assert found is not None
    assert found.principal.limit_rpm == 60


def test_an_unlimited_plan_has_no_strict_limit(workspace: cast.Account) -> None:
    assert resolve(cast.tenant(workspace, plan="enterprise").key).limits == {}


def test_a_key_that_nobody_has_is_unknown() -> None:
    assert keys.load(formats.digest(unknown_key())) is None
    assert code_of(unknown_key()) == "invalid_key"


@pytest.mark.parametrize("status", ["suspended", "terminated", "pending"])
def test_a_tenant_that_is_not_active_is_told_why(acme: Customer, status: str) -> None:
    Tenant.objects.filter(pk=acme.id).update(status=status)
    assert code_of(acme.key) == f"tenant_{status}"


def test_retiring_without_grace_ends_every_key(acme: Customer) -> None:
    tenant = Tenant.objects.get(pk=acme.id)
    second = mint(Kind.TENANT)
    keys.retire(tenant, until=clock.now() + timedelta(hours=1))
    keys.issue(tenant, second)
    assert keys.load(formats.digest(acme.key)) is not None
    keys.retire(tenant, until=None)
    for raw in (acme.key, second.raw):
        with pytest.raises(errors.KeyRevoked):
            keys.load(formats.digest(raw))


def test_a_key_ends_with_its_grace(acme: Customer) -> None:
    keys.retire(Tenant.objects.get(pk=acme.id), until=clock.now() + timedelta(seconds=60))
    assert code_of(acme.key) == "ok"
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert code_of(acme.key) == "key_revoked"


def test_an_expired_key_stays_expired_not_revoked(acme: Customer) -> None:
    tenant = Tenant.objects.get(pk=acme.id)
    keys.retire(tenant, until=clock.now() - timedelta(seconds=1))
    keys.retire(tenant, until=None)
    assert TenantKey.objects.get(tenant=tenant).revoked_at is None


def test_two_live_keys_cannot_be(acme: Customer) -> None:
    with pytest.raises(IntegrityError, match="one_live_key_per_tenant"), transaction.atomic():
        keys.issue(Tenant.objects.get(pk=acme.id), mint(Kind.TENANT))


def test_only_digest_and_hash_are_stored(acme: Customer) -> None:
    key = TenantKey.objects.get(tenant=acme.id)
    assert key.prefix == acme.key[:16] == acme.body["apiKeyPrefix"]
    assert bytes(key.digest) == formats.digest(acme.key)
    assert key.verifier.startswith("$argon2id$")
    stored = "|".join(
        str(value) for value in TenantKey.objects.filter(pk=key.pk).values()[0].values()
    )
    assert acme.key[16:] not in stored


class TestActingAs:
    """What an admin's X-Tenant-ID finds (X18)."""

    def test_its_own_tenant(self, acme: Customer) -> None:
        with CaptureQueriesContext(connection) as queries:
            caller = keys.load_tenant(acme.workspace.id, acme.id)
        assert len(queries) == 1
        assert caller is not None
        assert (caller.tenant_id, caller.limits) == (acme.id, {"api_call": 100_000})

    def test_nobody_elses_and_nobody(self, acme: Customer, stranger: Customer) -> None:
        assert keys.load_tenant(acme.workspace.id, stranger.id) is None
        assert keys.load_tenant(acme.workspace.id, ids.uuid7()) is None

    def test_one_whose_keys_are_all_retired(self, acme: Customer) -> None:
        keys.retire(Tenant.objects.get(pk=acme.id), until=None)
        assert keys.load_tenant(acme.workspace.id, acme.id) is not None
