"""Ending credentials whose time is over: one that cannot be ended stands before nobody."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from apps.audit.models import AuditEntry
from apps.dataplane import logins
from apps.dataplane.models import Login
from tenlyr.core import context
from tests import cast
from tests.cast import Account, Customer
from tests.core.threads import until
from tests.dataplane import plane
from tests.dataplane.plane import release, resident

# Longer ago than that of any other test.
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def account(_database: None) -> Account:
    made = cast.workspace()
    release(made)
    return made


def expired(customer: Customer, ago: timedelta = timedelta(0)) -> UUID:
    """A credential of the tenant whose time was over long ago."""
    made = logins.make(workspace_id=customer.workspace.id, tenant_id=customer.id)
    Login.objects.filter(pk=made.login.pk).update(expires_at=LONG_AGO - ago)
    return made.login.pk


def is_ended(login_id: UUID) -> bool:
    return Login.objects.get(pk=login_id).revoked_at is not None


@pytest.mark.parametrize("most", [1, 200])
def test_one_that_is_away_does_not_stand_before_the_others(
    account: Account, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    lost = resident(account)
    hopeless = [expired(lost, timedelta(days=days)) for days in (1, 2)]
    next_one = expired(cast.tenant(account))
    monkeypatch.setattr(logins, "MOST_PER_SWEEP", most)
    with plane.away(lost.id):
        until(lambda: bool(logins.sweep()) and is_ended(next_one))
    assert not any(map(is_ended, hopeless))
    until(lambda: bool(logins.sweep()) and all(map(is_ended, hopeless)))


def test_an_expiry_is_on_the_trail(account: Account) -> None:
    tenant = cast.tenant(account)
    login_id = expired(tenant)
    context.begin(context.RequestContext())  # a worker has none
    until(lambda: bool(logins.sweep()) and is_ended(login_id))
    last = AuditEntry.objects.filter(tenant_id=tenant.id).latest("seq")
    assert last.body["action"] == "dataplane.credential_expired"
    assert (last.body["target"], last.body["actorType"]) == (str(login_id), "system")
