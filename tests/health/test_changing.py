"""A change of status is told once, whatever happens to who tells it (E2, E7, X36, F52)."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from apps.health import changing, looking, scanning
from apps.health.models import Current, History
from apps.health.statuses import Status
from apps.metering.public import Packed
from apps.webhooks.models import OutboxEvent
from tenlyr.core import ids
from tenlyr.core.events import EventType
from tests import cast
from tests.cast import Account, Api, Customer
from tests.core import threads
from tests.health.support import (
    MINUTE,
    Killed,
    calls,
    current,
    health,
    killed_after,
    kinds,
    quiet_hour,
    scan,
    send,
    told,
)

SECOND = timedelta(seconds=1)
CRITICAL, RECOVERED = "health.critical", "health.recovered"


def changes(tenant: Customer) -> list[str]:
    """The statuses that the history has, oldest first."""
    rows = History.objects.filter(tenant_id=tenant.id, kind=History.Kind.CHANGE)
    return [row.status for row in rows.order_by("at")]


class TestTelling:
    def test_a_life(self, acme: Customer) -> None:
        """In trouble, worse, still, better, well: two events, each scan twice."""
        now = quiet_hour() + 10 * MINUTE
        for step, errors in enumerate((5, 12, 30, 4, 0)):
            at = now + 7 * step * MINUTE
            send(acme, *calls(at - MINUTE, 100, errors))
            scan(at)
            scan(at + SECOND)
        assert [(kind, data["errorRate"]) for kind, data in told(acme)] == [
            (CRITICAL, 12),
            (RECOVERED, 4),
        ]
        assert changes(acme) == ["warning", "critical", "warning", "healthy"]
        assert health(acme).since == now + 28 * MINUTE

    def test_what_the_events_say(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 1000, errors=124))
        scan(now)
        send(acme, *calls(now + 6 * MINUTE, 1000, errors=4))
        scan(now + 7 * MINUTE)
        (_, critical), (_, recovered) = told(acme)
        who = {"tenantId": str(acme.id)}
        assert critical == {**who, "errorRate": 12.4, "requestRate": 200, "slaRisk": True}
        assert recovered == {
            **who, "errorRate": 0.4, "requestRate": 200, "slaRisk": False, "status": "healthy",
        }  # fmt: skip
        row = OutboxEvent.objects.filter(tenant_id=acme.id, type=CRITICAL).get()
        assert row.workspace_id == acme.workspace.id

    def test_no_news_is_no_recovery(self, acme: Customer) -> None:
        """A tenant that fails once in a while is told of once, not at each call."""
        now = quiet_hour() + 10 * MINUTE
        for step in range(3):
            send(acme, *calls(now + 10 * step * MINUTE - MINUTE, 1, errors=1))
            scan(now + 10 * step * MINUTE)
            scan(now + (10 * step + 9) * MINUTE)
        assert changes(acme) == ["critical", "unknown"] * 3
        assert kinds(acme) == [CRITICAL]
        send(acme, *calls(now + 30 * MINUTE - MINUTE, 100))
        scan(now + 30 * MINUTE)
        assert kinds(acme) == [CRITICAL, RECOVERED]

    def test_a_long_silence_ends_it(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 1, errors=1))
        scan(now)
        for minutes in (10, 69, 71, 72):
            scan(now + minutes * MINUTE)
        (_, recovered) = told(acme)[-1]
        assert kinds(acme) == [CRITICAL, RECOVERED]
        assert (recovered["status"], recovered["errorRate"]) == ("unknown", None)
        assert not current(acme).is_alarmed

    @pytest.mark.parametrize("before", [None, *Status])
    @pytest.mark.parametrize("after", list(Status))
    @pytest.mark.parametrize("is_alarmed", [False, True])
    def test_they_take_turns(self, before: Status | None, after: Status, is_alarmed: bool) -> None:
        change = changing.Change(ids.uuid7(), before, after, None, None, None, None)
        telling = changing.to_tell(change, is_alarmed=is_alarmed, is_silent=False)
        expected = {
            (False, Status.CRITICAL): EventType.HEALTH_CRITICAL,
            (True, Status.HEALTHY): EventType.HEALTH_RECOVERED,
            (True, Status.WARNING): EventType.HEALTH_RECOVERED,
        }
        assert telling == expected.get((is_alarmed, after))


class TestCrashes:
    def test_two_scans_at_once_tell_once(self, workspace: Account) -> None:
        now = quiet_hour() + 10 * MINUTE
        made = [cast.tenant(workspace) for _ in range(3)]
        for tenant in made:
            send(tenant, *calls(now - MINUTE, 10, errors=5))
        scan(now - 30 * MINUTE)
        threads.together([lambda: scanning.scan(now)] * 4)
        assert [kinds(tenant) for tenant in made] == [[CRITICAL]] * 3
        assert [changes(tenant) for tenant in made] == [["critical"]] * 3

    def test_two_scans_at_once_of_a_recovery(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10, errors=5))
        scan(now)
        send(acme, *calls(now + 9 * MINUTE, 10))
        threads.together([lambda: scanning.scan(now + 10 * MINUTE)] * 4)
        assert kinds(acme) == [CRITICAL, RECOVERED]

    @pytest.mark.parametrize("batch", [1, 2, 200])
    def test_a_worker_killed_in_the_middle_doubles_and_loses_nothing(
        self, workspace: Account, monkeypatch: Any, batch: int
    ) -> None:
        monkeypatch.setattr(changing, "BATCH", batch)
        now = quiet_hour() + 10 * MINUTE
        made = [cast.tenant(workspace) for _ in range(3)]
        for tenant in made:
            send(tenant, *calls(now - MINUTE, 10, errors=5))
        scan(now - 30 * MINUTE)  # whom other tests left changes here, and not below
        with killed_after(0 if batch > 1 else 1, monkeypatch), pytest.raises(Killed):
            scan(now)
        assert sum(len(kinds(tenant)) for tenant in made) == (1 if batch == 1 else 0)
        for tenant in made:
            rows = Current.objects.filter(pk=tenant.id, status="critical")
            assert rows.count() == len(kinds(tenant)) == len(changes(tenant))
        scan(now + SECOND)
        assert [kinds(tenant) for tenant in made] == [[CRITICAL]] * 3
        assert [changes(tenant) for tenant in made] == [["critical"]] * 3

    def test_a_change_that_another_made_is_left_alone(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10, errors=5))
        scan(now)
        late = changing.Change(acme.id, Status.HEALTHY, Status.WARNING, None, None, None, None)
        newborn = changing.Change(acme.id, None, Status.WARNING, None, None, None, None)
        sight = looking.Sight(looking.last_minutes(now), {}, {})
        assert changing.apply([late], sight) == changing.apply([newborn], sight) == 0
        assert health(acme).status == "critical"

    def test_who_is_deleted_meanwhile_is_left_alone(self, acme: Customer) -> None:
        now = quiet_hour() + 10 * MINUTE
        send(acme, *calls(now - MINUTE, 10, errors=5))
        path = f"/api/v1/tenants/{acme.id}"
        assert Api().delete(path, key=acme.workspace.key).status == 204
        stale = changing.Change(acme.id, None, Status.CRITICAL, None, None, None, None)
        sight = looking.Sight(looking.last_minutes(now), {}, {})
        assert changing.apply([stale], sight) == 0
        assert not Current.objects.filter(pk=acme.id).exists()


def test_the_ids_of_events_are_in_the_order_of_time(acme: Customer) -> None:
    now = quiet_hour() + 10 * MINUTE
    for step, errors in enumerate((5, 0, 5)):
        send(acme, *calls(now + 7 * step * MINUTE - MINUTE, 10, errors))
        scan(now + 7 * step * MINUTE)
    rows = OutboxEvent.objects.filter(tenant_id=acme.id, type__startswith="health.")
    found = list(rows.order_by("id").values_list("type", "created_at"))
    assert [kind for kind, _ in found] == [CRITICAL, RECOVERED, CRITICAL]
    assert all(earlier[1] <= later[1] for earlier, later in pairwise(found))


def test_nothing_seen_is_an_empty_look() -> None:
    sight = looking.Sight(looking.last_minutes(quiet_hour()), {}, {})
    assert sight.packed == Packed()
    assert sight.unseen == []
