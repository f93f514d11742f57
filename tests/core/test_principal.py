"""The caller as a value (A13, X7, X18)."""

from dataclasses import FrozenInstanceError
from uuid import uuid4

import pytest

from tenlyr.core import errors
from tenlyr.core.keys import Kind
from tenlyr.core.principal import Principal

WORKSPACE, TENANT = uuid4(), uuid4()
ADMIN = Principal(Kind.ADMIN, uuid4(), WORKSPACE, WORKSPACE, 3)
OF_TENANT = Principal(
    Kind.TENANT,
    uuid4(),
    WORKSPACE,
    TENANT,
    9,
    tenant_id=TENANT,
    limits={"api_call": 5},
    limit_rpm=7,
)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ADMIN.epoch = 4  # type: ignore[misc]


def test_an_admin_speaks_for_no_tenant() -> None:
    assert ADMIN.is_admin
    with pytest.raises(errors.InsufficientScope):
        _ = ADMIN.tenant


def test_a_tenant_speaks_for_itself() -> None:
    assert not OF_TENANT.is_admin
    assert OF_TENANT.tenant == TENANT


def test_an_admin_acting_as_a_tenant_has_its_powers_and_keeps_its_own_key() -> None:
    acting = ADMIN.as_tenant(OF_TENANT)
    assert (acting.tenant, acting.limits, acting.limit_rpm) == (TENANT, {"api_call": 5}, 7)
    assert (acting.key_id, acting.subject, acting.epoch) == (ADMIN.key_id, WORKSPACE, 3)
    assert acting.acting_as
    assert not acting.is_admin


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("suspended", "tenant_suspended"),
        ("terminated", "tenant_terminated"),
        ("pending", "tenant_pending"),
        ("a status of the future", "invalid_key"),
    ],
)
def test_only_the_active_get_in(status: str, code: str) -> None:
    blocked = Principal(Kind.TENANT, uuid4(), WORKSPACE, TENANT, 1, TENANT, status=status)
    with pytest.raises(errors.AuthenticationFailed) as raised:
        blocked.refuse_unless_active()
    assert (raised.value.code, raised.value.status) == (code, 401)


def test_the_active_do_get_in() -> None:
    OF_TENANT.refuse_unless_active()
    ADMIN.refuse_unless_active()
    assert OF_TENANT.status == ADMIN.status == "active"
