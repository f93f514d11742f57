"""From an alert to its channels: noted with the alert, sent as one message a minute (R8, R9, J24).

A notice is unique for an alert's opening, its severity and the channel, so that nothing is told
twice. A message is marked before it is sent and after; a worker that dies between the two leaves it
open whether it went out, and it is sent once more, never a second time.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Q, When

from apps.health import posting, wording
from apps.health.models import (
    LONGEST_ERROR,
    Alert,
    AlertStatus,
    Channel,
    Message,
    MessageStatus,
    Notice,
    Severity,
)
from apps.health.posting import Failed, Parcel
from apps.tenants import public as tenants
from tenlyr.core import clock, tasks

log = structlog.get_logger(__name__)

NOTICE = (Path(__file__).parent / "sql" / "notice.sql").read_text()
RISING = list(Severity.values)
BADNESS = Case(*(When(severity=name, then=n) for n, name in enumerate(RISING)))
QUIET = timedelta(minutes=1)
# Longer than any sending takes: five seconds for a POST, some ten-second steps for a mail server.
LEASE = timedelta(minutes=2)
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3_600, 21_600))
MOST_INTERRUPTIONS = 1
# Alerts in one message; the others are in the list of alerts.
MOST_SAID = 100
AT_ONCE = 8
# Then the next sweep goes on; a task is ended after ten minutes.
LONGEST_RUN_S = 60
# A storm of alerts makes one task a second and process.
SOON_S = 1.0
KEPT = timedelta(days=30)


def notice(alert: Alert, now: datetime, *, round: int = 0) -> int:
    """Note that the alert's channels are to be told, with the transaction at hand.

    A channel that knows of it at this severity, in this `round`, is left alone; answers how many
    channels will hear of it.
    """
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
            "alert_id": alert.id,
            "round": round,
            "now": now,
            "rising": RISING,
        }
        cursor.execute(NOTICE, params)
        noted = cursor.rowcount
    if noted:
        tasks.after_commit("health.notify", delay_s=SOON_S)
    return noted


def notify(now: datetime | None = None) -> int:
    """Send whatever is due; answers how many messages were sent or failed."""
    collect(now or clock.now())
    return sum(_deliver(batch, now) for batch in _batches(now))


def collect(now: datetime) -> int:
    """Make one message of each channel's waiting notices, where its minute is over."""
    waiting = Notice.objects.filter(message=None, channel__is_enabled=True)
    ready = waiting.filter(Q(channel__quiet_until=None) | Q(channel__quiet_until__lte=now))
    made = 0
    for channel_id in ready.order_by().values_list("channel_id", flat=True).distinct():
        made += _collect_of(channel_id, now)
    return made


def remind(now: datetime) -> int:
    """Tell again of alerts that are still open, each time that `TENLYR_ALERT_REMINDER_MINUTES` are
    over since the opening (X36); answers of how many. Off by default.
    """
    minutes = settings.ALERT_REMINDER_MINUTES
    if not minutes:
        return 0
    every = timedelta(minutes=minutes)
    due = Alert.objects.filter(status=AlertStatus.OPEN, created_at__lte=now - every)
    told = 0
    for alert in due.order_by("id").iterator(chunk_size=500):
        with transaction.atomic():
            told += bool(notice(alert, now, round=(now - alert.created_at) // every))
    return told


def forget_old(now: datetime) -> int:
    """Delete messages and their notices that are done for 30 days; answers how many rows went."""
    return Message.objects.filter(finished_at__lt=now - KEPT).delete()[0]


def test(channel: Channel) -> Message:
    """A message that says nothing but that the channel works."""
    now = clock.now()
    with transaction.atomic():
        message = Message.objects.create(channel=channel, is_test=True, next_at=now, created_at=now)
        tasks.after_commit("health.notify", delay_s=SOON_S)
    return message


def _collect_of(channel_id: UUID, now: datetime) -> int:
    with transaction.atomic():
        rows = Channel.objects.select_for_update(skip_locked=True, no_key=True)
        channel = rows.filter(pk=channel_id, is_enabled=True).first()
        # Looked at again under the lock: another worker may have been here since.
        if channel is None or (channel.quiet_until and channel.quiet_until > now):
            return 0
        waiting = Notice.objects.filter(channel=channel, message=None)
        if not waiting.exists():
            return 0
        message = Message.objects.create(channel=channel, next_at=now, created_at=now)
        waiting.update(message=message)
        channel.quiet_until = now + QUIET
        channel.save(update_fields=["quiet_until"])
    return 1


def _batches(now: datetime | None) -> Iterator[list[Parcel]]:
    """What is due, claimed a few at a time, until nothing is left or it is enough for one run."""
    until = time.monotonic() + LONGEST_RUN_S
    while time.monotonic() < until and (claimed := _claim(now or clock.now())):
        yield claimed


def _claim(now: datetime) -> list[Parcel]:
    """Mark a few messages as being sent, before they are (R9)."""
    due = Message.objects.filter(status=MessageStatus.PENDING, next_at__lte=now)
    free = due.filter(Q(lease_until=None) | Q(lease_until__lte=now))
    with transaction.atomic():
        rows = free.order_by("next_at", "id").select_for_update(skip_locked=True, of=("self",))
        found = list(rows.select_related("channel")[:AT_ONCE])
        return [parcel for message in found if (parcel := _begin(message, now)) is not None]


def _begin(message: Message, now: datetime) -> Parcel | None:
    message.interruptions += message.lease_until is not None
    if message.interruptions > MOST_INTERRUPTIONS:
        _finish(message, MessageStatus.FAILED, now, "Interrupted twice; it may have arrived.")
        return None
    said = _said(message)
    if not message.channel.is_enabled or not (said.alerts or message.is_test):
        _finish(message, MessageStatus.CANCELLED, now, None)
        return None
    message.attempts += 1
    message.lease_until = now + LEASE
    message.save(update_fields=["attempts", "interruptions", "lease_until"])
    return Parcel(message, said)


def _said(message: Message) -> wording.Said:
    """What it is about, worst first; an alert whose severity rose in the meantime once."""
    alerts = Alert.objects.filter(pk__in=message.notices.values("alert_id"))
    found = list(alerts.order_by(BADNESS.desc(), "created_at", "id")[:MOST_SAID])
    total = len(found) if len(found) < MOST_SAID else alerts.count()
    names = tenants.names([one.tenant_id for one in found if one.tenant_id])
    return wording.Said(message.id, message.created_at, found, total, names)


def _deliver(parcels: list[Parcel], now: datetime | None) -> int:
    """Send some at once, so that one slow receiver holds up nobody but itself."""
    with ThreadPoolExecutor(len(parcels)) as pool:
        sending = {pool.submit(posting.send, parcel): parcel for parcel in parcels}
        for sent in as_completed(sending):
            _record(sending[sent].message, sent.result(), now or clock.now())
    return len(parcels)


def _record(message: Message, failed: Failed | None, now: datetime) -> None:
    """Keep what came of it, unless the lease went to another worker meanwhile."""
    with transaction.atomic():
        held = Message.objects.select_for_update().filter(
            pk=message.pk, status=MessageStatus.PENDING, lease_until=message.lease_until
        )
        if held.first() is None:
            log.warning("health.message_lost_lease", message_id=str(message.pk))
            return
        channel = Channel.objects.filter(pk=message.channel_id)
        if failed is None:
            _finish(message, MessageStatus.SENT, now, None)
            channel.update(last_sent_at=now, last_error=None)
            return
        reason = failed.reason[:LONGEST_ERROR]
        channel.update(last_error=reason)
        log.warning("health.message_failed", message_id=str(message.pk), reason=reason)
        if failed.is_final or message.attempts > len(DELAYS):
            _finish(message, MessageStatus.FAILED, now, reason)
            return
        message.next_at, message.lease_until = now + DELAYS[message.attempts - 1], None
        message.error = reason
        message.save(update_fields=["next_at", "lease_until", "error"])


def _finish(message: Message, status: MessageStatus, now: datetime, error: str | None) -> None:
    message.status, message.finished_at, message.error = status, now, error
    message.lease_until = None
    message.save(update_fields=["status", "finished_at", "error", "lease_until", "interruptions"])
