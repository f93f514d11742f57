"""The purge of a deleted tenant: complete, resumable, certified (A14, R17, X38)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import connection

from apps.audit.models import AuditEntry
from apps.isolation.public import Location, UnknownTenant, fleet, group, level_of, scope
from apps.metering.public import ensure_partitions
from apps.tenants import lifecycle, purging, tasks
from apps.tenants.models import DeletionCertificate
from apps.webhooks.models import OutboxEvent
from tenlyr.core import auth, clock, registry
from tenlyr.core.registry import Holding
from tests.cast import Api, Customer
from tests.metering.support import store

LATER = purging.SETTLED_AFTER + timedelta(seconds=1)


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[UUID], int]], None]:
    """Adds a holding of the test's own to the registry."""
    monkeypatch.setattr(registry, "_holdings", dict(registry._holdings))

    def add(purge: Callable[[UUID], int]) -> None:
        registry.register(Holding("cellar", (), None, purge))

    return add


@pytest.fixture
def deleted(acme: Customer) -> Customer:
    lifecycle.delete(workspace_id=acme.workspace.id, tenant_id=acme.id)
    return acme


@pytest.fixture(autouse=True)
def _stored() -> None:
    """Other tests may have left events unstored, and a purge waits for its shard."""
    store()


def later() -> time_machine.travel:
    """When nothing new of a tenant deleted before can come in any more."""
    return time_machine.travel(clock.now() + LATER)


def sweep_all() -> None:
    """The sweeps that it takes: other tests leave deletions too."""
    while purging.sweep():
        pass


def certificate(tenant: Customer) -> DeletionCertificate:
    return DeletionCertificate.objects.get(pk=tenant.id)


def test_the_first_pass_purges_and_keeps_the_place(deleted: Customer) -> None:
    assert purging.purge(deleted.id) is False
    assert level_of([deleted.id])
    assert certificate(deleted).finished_at is None
    events = OutboxEvent.objects.filter(tenant_id=deleted.id)
    assert [event.type for event in events] == ["tenant.deleted"]


def test_a_later_pass_finishes(deleted: Customer) -> None:
    with later():
        assert purging.purge(deleted.id) is True
    assert level_of([deleted.id]) == {}
    done = certificate(deleted)
    assert done.finished_at is not None
    assert done.sha256 == purging.seal(done)
    assert set(done.counts) == {holding.name for holding in registry.holdings()}


def test_it_is_recorded_with_the_certificates_hash(deleted: Customer) -> None:
    with later():
        purging.purge(deleted.id)
    entry = AuditEntry.objects.filter(tenant_id=deleted.id).latest("seq")
    assert entry.body["action"] == "tenant.purged"
    assert entry.body["details"]["sha256"] == certificate(deleted).sha256


def test_a_schema_of_its_own_is_dropped(globex: Customer) -> None:
    with scope(globex.id) as here:
        schema = here.schema
    lifecycle.delete(workspace_id=globex.workspace.id, tenant_id=globex.id)
    with later():
        purging.purge(globex.id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [schema])
        assert cursor.fetchone()[0] == 0
    with pytest.raises(UnknownTenant), scope(globex.id):
        pass


def rows_of(location: Location, tenant_id: UUID) -> int:
    """How many rows of usage a Location holds of a tenant, placed or not."""
    with fleet(location) as here, here.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM usage_event WHERE tenant_id = %s", [tenant_id])
        return int(cursor.fetchone()[0])


def track(*tenants: Customer) -> None:
    ensure_partitions()
    for tenant in tenants:
        event = {"metric": "api_call", "value": 1}
        answer = Api().post("/api/v1/usage/track", event, key=tenant.key)
        assert answer.status == 201, answer.body


def test_its_usage_goes_and_nobody_elses(acme: Customer, stranger: Customer) -> None:
    track(acme, acme, stranger)
    store()
    (location,) = group([acme.id])
    lifecycle.delete(workspace_id=acme.workspace.id, tenant_id=acme.id)
    assert (rows_of(location, acme.id), rows_of(location, stranger.id)) == (2, 1)
    purging.purge(acme.id)
    assert (rows_of(location, acme.id), rows_of(location, stranger.id)) == (0, 1)
    assert certificate(acme).counts["usage"] >= 2
    assert certificate(acme).counts["tenants"] == 2


def test_what_came_in_after_the_first_pass_goes_too(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web process that did not hear of the deletion yet goes on admitting events."""
    (location,) = group([acme.id])
    caller = auth.resolve(acme.key, "192.0.2.254")
    lifecycle.delete(workspace_id=acme.workspace.id, tenant_id=acme.id)
    purging.purge(acme.id)
    monkeypatch.setattr(auth, "resolve", lambda *_args: caller)
    track(acme)
    store()
    assert rows_of(location, acme.id) == 1
    with later():
        assert purging.purge(acme.id) is True
    assert rows_of(location, acme.id) == 0


def test_both_passes_count(
    deleted: Customer, hold: Callable[[Callable[[UUID], int]], None]
) -> None:
    left = iter([3, 2])
    hold(lambda _tenant: next(left))
    purging.purge(deleted.id)
    assert certificate(deleted).counts["cellar"] == 3
    with later():
        purging.purge(deleted.id)
    assert certificate(deleted).counts["cellar"] == 5


def test_a_finished_purge_is_left_alone(deleted: Customer) -> None:
    with later():
        purging.purge(deleted.id)
        before = certificate(deleted)
        assert purging.purge(deleted.id) is False
    after = certificate(deleted)
    assert (after.finished_at, after.sha256) == (before.finished_at, before.sha256)


def test_a_living_tenant_is_never_purged(
    acme: Customer, hold: Callable[[Callable[[UUID], int]], None]
) -> None:
    purged: list[UUID] = []

    def purge(tenant_id: UUID) -> int:
        purged.append(tenant_id)
        return 1

    hold(purge)
    assert purging.purge(acme.id) is False
    assert tasks.purge(str(acme.id)) is False
    assert purged == []
    assert level_of([acme.id])


def test_an_interrupted_purge_is_resumed_by_the_sweep(
    deleted: Customer, hold: Callable[[Callable[[UUID], int]], None]
) -> None:
    is_broken = [True]

    def purge(tenant_id: UUID) -> int:
        if is_broken[0] and tenant_id == deleted.id:
            raise OSError("the cellar is locked")
        return 1

    hold(purge)
    with pytest.raises(OSError, match="locked"):
        purging.purge(deleted.id)
    with later():
        sweep_all()
        assert certificate(deleted).finished_at is None
        assert level_of([deleted.id])
        is_broken[0] = False
        sweep_all()
    assert certificate(deleted).finished_at is not None
    assert certificate(deleted).counts["cellar"] == 1


def test_the_sweep_leaves_fresh_deletions_their_time(deleted: Customer) -> None:
    purging.sweep()
    assert certificate(deleted).finished_at is None


def test_one_tenants_trouble_does_not_hold_up_another(
    deleted: Customer, stranger: Customer, hold: Callable[[Callable[[UUID], int]], None]
) -> None:
    lifecycle.delete(workspace_id=stranger.workspace.id, tenant_id=stranger.id)

    def purge(tenant_id: UUID) -> int:
        if tenant_id == deleted.id:
            raise OSError("the cellar is locked")
        return 0

    hold(purge)
    with later():
        sweep_all()
    assert certificate(deleted).finished_at is None
    assert certificate(stranger).finished_at is not None


def test_who_fails_again_and_again_does_not_stand_before_the_others(
    deleted: Customer,
    stranger: Customer,
    hold: Callable[[Callable[[UUID], int]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lifecycle.delete(workspace_id=stranger.workspace.id, tenant_id=stranger.id)
    DeletionCertificate.objects.filter(pk=deleted.id).update(
        requested_at=clock.now() - timedelta(days=365)
    )

    def purge(tenant_id: UUID) -> int:
        if tenant_id == deleted.id:
            raise OSError("the cellar is locked")
        return 0

    hold(purge)
    monkeypatch.setattr(purging, "MOST_PER_SWEEP", 1)
    with later():
        for _ in range(DeletionCertificate.objects.filter(finished_at=None).count()):
            purging.sweep()
    assert certificate(deleted).finished_at is None
    assert certificate(stranger).finished_at is not None


def test_the_seal_covers_every_field(deleted: Customer) -> None:
    one = certificate(deleted)
    one.finished_at, one.counts = clock.now(), {"usage": 3}
    seals = {purging.seal(one)}
    one.counts = {"usage": 4}
    seals.add(purging.seal(one))
    one.finished_at += timedelta(seconds=1)
    seals.add(purging.seal(one))
    one.requested_at -= timedelta(seconds=1)
    seals.add(purging.seal(one))
    one.workspace_id = deleted.id
    seals.add(purging.seal(one))
    assert len(seals) == 5
