"""The first workspace: once, with the key that was asked for (X13)."""

from collections.abc import Iterator

import pytest
from django.contrib.auth import authenticate
from django.db import connections

from apps.audit.models import AuditEntry
from apps.tenants.models import Tenant
from apps.workspaces import founding
from apps.workspaces.models import AdminKey, Membership, Operator, Workspace
from apps.workspaces.public import BadAdminKey, found
from tenlyr.core import keys
from tenlyr.core.keys import Kind
from tests.cast import Api
from tests.core.transactions import undone


@pytest.fixture
def nobody() -> Iterator[None]:
    """An installation without workspaces, for the time of the test."""
    # The product itself may not delete a published plan; the tests of others left some.
    as_owner("GRANT DELETE ON tenants_planversion TO tenlyr_app")
    try:
        with undone():
            Tenant.objects.all().delete()
            Workspace.objects.all().delete()
            Operator.objects.all().delete()
            yield
    finally:
        as_owner("REVOKE DELETE ON tenants_planversion FROM tenlyr_app")


def as_owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def test_there_is_one_already() -> None:
    before = Workspace.objects.count()
    assert found() is None
    assert found(keys.generate(Kind.ADMIN)) is None
    assert Workspace.objects.count() == before


def test_the_first_has_everything(nobody: None, api: Api) -> None:
    made = found()
    assert made is not None
    workspace = Workspace.objects.get()
    assert (str(workspace.id), workspace.plan) == (made.workspace_id, "enterprise")
    assert str(workspace) == "First workspace"
    assert api.get("/api/v1/tenants", key=made.admin_key).status == 200
    operator = authenticate(username=made.operator_email, password=made.operator_password)
    assert isinstance(operator, Operator)
    assert operator.is_superuser
    membership = Membership.objects.get(workspace=workspace)
    assert (membership.operator, membership.role) == (operator, "owner")
    assert str(membership) == f"{operator} is owner of First workspace"
    actions = AuditEntry.objects.filter(workspace_id=workspace.id).order_by("seq")
    assert [entry.body["action"] for entry in actions] == [
        "admin_key.created",
        "workspace.created",
    ]


def test_the_password_is_long_and_slow_to_guess(nobody: None) -> None:
    made = found()
    assert made is not None
    assert len(made.operator_password) >= 16
    assert Operator.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_given_key_is_used(nobody: None, api: Api) -> None:
    raw = keys.generate(Kind.ADMIN)
    made = found(raw)
    assert made is not None
    assert made.admin_key == raw
    assert api.get("/api/v1/tenants", key=raw).status == 200


@pytest.mark.parametrize(
    "raw", ["short", keys.generate(Kind.TENANT), "tenlyr_live_tf_" + "a" * 46, "x" * 61]
)
def test_a_key_that_is_none_is_named_in_one_sentence(raw: str) -> None:
    with pytest.raises(BadAdminKey, match="TENLYR_ADMIN_KEY") as raised:
        found(raw)
    assert raw not in str(raised.value)


def test_the_stored_key_does_not_show_it(nobody: None) -> None:
    made = found()
    assert made is not None
    key = AdminKey.objects.get()
    assert (key.name, key.prefix) == ("first key", made.admin_key[:16])
    assert made.operator_email == founding.OPERATOR
