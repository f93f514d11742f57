"""From alert to channel: each thing told once, a minute in one message, whatever dies (J24, R9)."""

import itertools
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.health import alerting, channels, notifying, posting
from apps.health.models import (
    Alert,
    Channel,
    ChannelKind,
    Message,
    MessageStatus,
    Notice,
    Severity,
)
from tests.cast import Account, Customer
from tests.health.alarms import NOW, raised
from tests.health.receivers import Sink
from tests.tenants.support import at_once

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.usefixtures("no_channels")


def channel(whose: Account, target: str, **given: Any) -> Channel:
    """A webhook channel that hears of everything, unless told otherwise."""
    given = {"kind": ChannelKind.WEBHOOK, "min_severity": Severity.INFO, **given}
    made, _ = channels.create(workspace_id=whose.id, target=target, **given)
    return made


def said(sink: Sink, path: str = "/hook") -> list[list[str]]:
    """The types of the alerts in each message, in the order in which they came."""
    return [[one["type"] for one in got.json["data"]["alerts"]] for got in sink.at(path)]


def update(one: Channel, **given: Any) -> None:
    channels.update(workspace_id=one.workspace_id, channel_id=one.id, **given)


class TestWho:
    def test_without_a_channel_nothing_is_noted(self, acme: Customer) -> None:
        alert = raised(acme)
        assert not Notice.objects.filter(alert=alert).exists()

    def test_every_channel_of_the_workspace_and_no_other(
        self, acme: Customer, stranger: Customer, sink: Sink
    ) -> None:
        for whose, path in ((acme, "/a"), (acme, "/b"), (stranger, "/c")):
            channel(whose.workspace, sink.url(path))
        raised(acme, now=NOW)
        notifying.notify(NOW)
        assert sorted(got.path for got in sink.got) == ["/a", "/b"]

    def test_from_its_severity_on(self, acme: Customer, sink: Sink) -> None:
        channel(acme.workspace, sink.url(), min_severity=Severity.WARNING)
        raised(acme, severity=Severity.INFO)
        assert notifying.notify(NOW) == 0
        raised(acme, severity=Severity.WARNING)
        assert notifying.notify(NOW) == 1
        [alert] = sink.got[0].json["data"]["alerts"]
        assert (alert["severity"], alert["count"]) == ("warning", 2)

    def test_none_that_is_switched_off_nor_later_of_what_was_then(
        self, acme: Customer, sink: Sink
    ) -> None:
        one = channel(acme.workspace, sink.url())
        raised(acme, kind="before")
        update(one, is_enabled=False)
        raised(acme, kind="meanwhile")
        assert notifying.notify(NOW) == 0
        update(one, is_enabled=True)
        raised(acme, kind="after")
        notifying.notify(NOW)
        assert said(sink) == [["after"]]


class TestOnce:
    def test_a_repeat_is_not_told(self, acme: Customer, sink: Sink) -> None:
        channel(acme.workspace, sink.url())
        for minute in range(5):
            raised(acme, now=NOW + minute * MINUTE)
            notifying.notify(NOW + minute * MINUTE)
        assert said(sink) == [["disk_full"]]

    def test_a_rise_in_severity_is(self, acme: Customer, sink: Sink) -> None:
        channel(acme.workspace, sink.url())
        for minute, severity in enumerate(
            [Severity.INFO, Severity.CRITICAL, Severity.WARNING, Severity.CRITICAL]
        ):
            raised(acme, severity=severity)
            notifying.notify(NOW + minute * MINUTE)
        told = [got.json["data"]["alerts"][0]["severity"] for got in sink.got]
        assert told == ["info", "critical"]

    def test_so_is_a_new_opening(self, acme: Customer, sink: Sink) -> None:
        channel(acme.workspace, sink.url())
        for minute in range(2):
            raised(acme)
            notifying.notify(NOW + minute * MINUTE)
            alerting.resolve_all(workspace_id=acme.workspace.id)
        assert len({got.json["data"]["alerts"][0]["id"] for got in sink.got}) == 2

    def test_several_workers_send_each_message_once(self, acme: Customer, sink: Sink) -> None:
        paths = [f"/{number}" for number in range(12)]
        for path in paths:
            channel(acme.workspace, sink.url(path))
        raised(acme)
        done = at_once(6, lambda _number: notifying.notify(NOW))
        # A worker that another one was just ahead of may leave some for the next sweep.
        assert all(isinstance(one, int) for one in done)
        notifying.notify(NOW)
        assert sorted(got.path for got in sink.got) == sorted(paths)

    def test_told_again_of_what_is_open_only_if_asked(
        self, acme: Customer, sink: Sink, settings: Any
    ) -> None:
        channel(acme.workspace, sink.url())
        raised(acme, now=NOW)
        notifying.notify(NOW)
        assert notifying.remind(NOW + timedelta(days=1)) == 0
        settings.ALERT_REMINDER_MINUTES = 60
        for minutes in (59, 60, 61, 119, 120):
            now = NOW + minutes * MINUTE
            notifying.remind(now)
            notifying.notify(now)
        assert len(sink.got) == 3
        alerting.resolve_all(workspace_id=acme.workspace.id)
        notifying.remind(NOW + timedelta(hours=9))
        notifying.notify(NOW + timedelta(hours=9))
        assert len(sink.got) == 3


class TestGrouping:
    def test_the_first_at_once_then_a_minute_in_one_message(
        self, acme: Customer, globex: Customer, sink: Sink
    ) -> None:
        channel(acme.workspace, sink.url())
        raised(acme, kind="first")
        notifying.notify(NOW)
        raised(acme, kind="second", severity=Severity.INFO)
        raised(globex, kind="third", severity=Severity.CRITICAL)
        for seconds in (1, 30, 59, 60, 61, 120):
            notifying.notify(NOW + timedelta(seconds=seconds))
        assert said(sink) == [["first"], ["third", "second"]]

    def test_a_storm_is_one_message_that_says_how_many(self, acme: Customer, sink: Sink) -> None:
        channel(acme.workspace, sink.url())
        channel(acme.workspace, sink.url("/chat"), kind=ChannelKind.SLACK)
        for number in range(120):
            raised(acme, kind=f"kind_{number}")
        raised(acme, kind="worst", severity=Severity.CRITICAL)
        notifying.notify(NOW)
        data = sink.at("/hook")[0].json["data"]
        assert (data["total"], len(data["alerts"]), data["test"]) == (121, 100, False)
        assert data["alerts"][0]["type"] == "worst"
        text = sink.at("/chat")[0].json["text"]
        assert text.count("The disk is full") == 20
        assert text.endswith("and 101 more: see GET /api/v1/alerts/unresolved")


def test_a_run_that_lasts_too_long_leaves_the_rest_to_the_next(
    acme: Customer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(notifying.AT_ONCE + 1):
        channel(acme.workspace, sink.url(f"/{number}"))
    raised(acme)
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks) * notifying.LONGEST_RUN_S * 2 / 3)
    monkeypatch.setattr(notifying, "time", clock)
    assert notifying.notify(NOW) == notifying.AT_ONCE
    assert notifying.notify(NOW) == 1
    assert len({got.path for got in sink.got}) == len(sink.got) == notifying.AT_ONCE + 1


class TestTrouble:
    def test_tried_again_with_the_same_id_until_it_is_taken(
        self, acme: Customer, sink: Sink
    ) -> None:
        one = channel(acme.workspace, sink.url())
        sink.answers.extend([500, 302])
        raised(acme)
        now = NOW
        for delay in (0, 29, 1, 119, 1, 86_400):
            now += timedelta(seconds=delay)
            notifying.notify(now)
        assert len(sink.got) == 3
        assert len({got.headers["webhook-id"] for got in sink.got}) == 1
        one.refresh_from_db()
        message = Message.objects.get(channel=one)
        assert (message.status, message.attempts) == (MessageStatus.SENT, 3)
        assert (one.last_error, one.last_sent_at) == (None, NOW + timedelta(seconds=150))

    def test_given_up_after_eight_hours(self, acme: Customer, sink: Sink) -> None:
        one = channel(acme.workspace, sink.url())
        sink.answers.extend([500] * 20)
        raised(acme)
        for hour in range(0, 24):
            for minute in (0, 1, 5, 20):
                notifying.notify(NOW + timedelta(hours=hour, minutes=minute))
        message = Message.objects.get(channel=one)
        assert (message.status, message.attempts) == (MessageStatus.FAILED, 6)
        assert len(sink.got) == 6
        one.refresh_from_db()
        assert one.last_error == message.error == "The receiver answered 500."

    def test_one_that_is_gone_is_not_asked_again(self, acme: Customer, sink: Sink) -> None:
        one = channel(acme.workspace, sink.url())
        sink.answers.append(410)
        raised(acme)
        for day in range(2):
            notifying.notify(NOW + timedelta(days=day))
        assert len(sink.got) == 1
        assert Message.objects.get(channel=one).status == MessageStatus.FAILED

    def test_a_broken_channel_holds_up_nobody(self, acme: Customer, sink: Sink) -> None:
        broken = channel(acme.workspace, sink.url("/broken"))
        channel(acme.workspace, sink.url("/well"))
        Channel.objects.filter(pk=broken.pk).update(sealed=b"of another installation")
        raised(acme)
        notifying.notify(NOW)
        assert [got.path for got in sink.got] == ["/well"]
        broken.refresh_from_db()
        assert broken.last_error == "The channel failed: CannotDecrypt."

    def test_killed_between_sending_and_recording_it_is_sent_once_more_and_no_second_time(
        self, acme: Customer, sink: Sink
    ) -> None:
        one = channel(acme.workspace, sink.url())
        raised(acme)
        notifying.collect(NOW)
        now = NOW
        for _death in range(4):
            for parcel in notifying._claim(now):
                assert posting.send(parcel) is None
            # Here the worker dies. Nobody touches the message until its lease is over.
            assert notifying.notify(now + timedelta(seconds=119)) == 0
            now += timedelta(minutes=2)
        assert len(sink.got) == 2
        assert len({got.headers["webhook-id"] for got in sink.got}) == 1
        message = Message.objects.get(channel=one)
        assert (message.status, message.attempts) == (MessageStatus.FAILED, 2)
        assert message.error == "Interrupted twice; it may have arrived."

    def test_killed_before_sending_it_is_sent(self, acme: Customer, sink: Sink) -> None:
        channel(acme.workspace, sink.url())
        raised(acme)
        notifying.collect(NOW)
        assert len(notifying._claim(NOW)) == 1
        notifying.notify(NOW + timedelta(minutes=2))
        assert said(sink) == [["disk_full"]]

    def test_a_worker_that_comes_back_late_changes_nothing(
        self, acme: Customer, sink: Sink
    ) -> None:
        one = channel(acme.workspace, sink.url())
        raised(acme)
        notifying.collect(NOW)
        [late] = notifying._claim(NOW)
        notifying.notify(NOW + timedelta(minutes=2))
        notifying._record(late.message, posting.Failed("late"), NOW + timedelta(minutes=3))
        message = Message.objects.get(channel=one)
        assert (message.status, message.error) == (MessageStatus.SENT, None)

    def test_what_is_purged_meanwhile_is_told_to_nobody(self, acme: Customer, sink: Sink) -> None:
        one = channel(acme.workspace, sink.url())
        raised(acme)
        notifying.collect(NOW)
        Alert.objects.filter(tenant_id=acme.id).delete()
        notifying.notify(NOW)
        assert sink.got == []
        assert Message.objects.get(channel=one).status == MessageStatus.CANCELLED


def test_messages_are_forgotten_after_a_month(acme: Customer, sink: Sink) -> None:
    one = channel(acme.workspace, sink.url())
    alert = raised(acme)
    notifying.notify(NOW)
    assert notifying.forget_old(NOW + timedelta(days=29)) == 0
    assert notifying.forget_old(NOW + timedelta(days=31)) == 2
    assert not Message.objects.filter(channel=one).exists()
    assert Alert.objects.filter(pk=alert.pk).exists()
