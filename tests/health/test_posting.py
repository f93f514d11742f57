"""What really arrives: a signed webhook, a line for a chat, a mail (E6, J24)."""

import base64
import hashlib
import hmac
from typing import Any
from uuid import UUID

from apps.health import channels, notifying
from apps.health.models import Channel, ChannelKind, Message, Severity
from tests.cast import Account, Customer
from tests.health.alarms import NOW, raised
from tests.health.receivers import Mailbox, Sink


def channel(whose: Account, kind: ChannelKind, target: str) -> tuple[Channel, str]:
    return channels.create(
        workspace_id=whose.id, kind=kind, target=target, min_severity=Severity.INFO
    )


def outcome(one: Channel) -> tuple[str, str | None]:
    message = Message.objects.get(channel=one)
    return message.status, message.error


def test_a_webhook_is_signed_both_ways(acme: Customer, sink: Sink) -> None:
    _, secret = channel(acme.workspace, ChannelKind.WEBHOOK, sink.url("/hook?token=1"))
    alert = raised(acme, metadata={"disk": "sda"})
    notifying.notify()
    [got] = sink.at("/hook?token=1")
    seconds = got.headers["webhook-timestamp"]
    ours = hmac.new(secret.encode(), f"{seconds}.".encode() + got.body, hashlib.sha256)
    assert got.headers["tenlyr-signature"] == f"t={seconds},v1={ours.hexdigest()}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{seconds}.".encode() + got.body
    standard = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{standard}"
    assert got.headers["content-type"] == "application/json"
    envelope = got.json
    assert list(envelope) == ["id", "type", "createdAt", "data"]
    assert (envelope["id"], envelope["type"]) == (got.headers["webhook-id"], "alert.notice")
    [shown] = envelope["data"]["alerts"]
    assert (shown["id"], shown["tenantId"]) == (str(alert.id), str(acme.id))
    assert (shown["title"], shown["metadata"]) == ("The disk is full", {"disk": "sda"})


def test_a_chat_gets_text_that_commands_nothing(workspace: Account, sink: Sink) -> None:
    channel(workspace, ChannelKind.SLACK, sink.url("/services/T0/B0"))
    raised(workspace, title="<!channel> & more", message="a < b")
    notifying.notify()
    [got] = sink.at("/services/T0/B0")
    assert got.json == {"text": "*[warning] &lt;!channel&gt; &amp; more*\na &lt; b"}
    assert "tenlyr-signature" not in got.headers


def test_a_mail_names_the_tenant(acme: Customer, mailbox: Mailbox) -> None:
    one, _ = channel(acme.workspace, ChannelKind.EMAIL, "ops@example.com")
    raised(acme, severity=Severity.INFO, now=NOW)
    raised(acme, kind="other", title="Slow: ünïcode", severity=Severity.CRITICAL, now=NOW)
    notifying.notify()
    [mail] = mailbox.mails
    assert mailbox.recipients == ["ops@example.com"]
    assert str(mail["Subject"]).strip() == "[Tenlyr] critical: Acme Corp: Slow: ünïcode and 1 more"
    assert mail["From"] == "Tenlyr <tenlyr@localhost>"
    assert mail.get_content() == (
        "critical: Acme Corp: Slow: ünïcode\n97 % of 100 GB\n"
        f"Tenant {acme.id}, other, since 2026-11-21T04:05:06.000Z\n\n"
        "info: Acme Corp: The disk is full\n97 % of 100 GB\n"
        f"Tenant {acme.id}, disk_full, since 2026-11-21T04:05:06.000Z\n"
    )
    assert outcome(one) == ("sent", None)


def test_a_mail_that_is_not_taken(workspace: Account, mailbox: Mailbox) -> None:
    mailbox.refused.add("nobody@example.com")
    one, _ = channel(workspace, ChannelKind.EMAIL, "nobody@example.com")
    raised(workspace)
    notifying.notify()
    assert outcome(one) == (
        "pending",
        "The mail server did not take it: SMTPRecipientsRefused.",
    )


def test_a_mail_server_that_is_away(workspace: Account, mailbox: Mailbox, settings: Any) -> None:
    settings.EMAIL_PORT = 1
    one, _ = channel(workspace, ChannelKind.EMAIL, "ops@example.com")
    raised(workspace)
    notifying.notify()
    assert outcome(one) == ("pending", "The mail server did not take it: ConnectionRefusedError.")


def test_any_backend_of_djangos_will_do(
    workspace: Account, mailbox: Mailbox, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.health.mail_backend.Refusing"
    one, _ = channel(workspace, ChannelKind.EMAIL, "ops@example.com")
    raised(workspace)
    notifying.notify()
    assert outcome(one) == ("pending", "The channel failed: LookupError.")


def test_loopback_is_no_address_unless_it_is_allowed(
    workspace: Account, sink: Sink, settings: Any
) -> None:
    one, _ = channel(workspace, ChannelKind.WEBHOOK, sink.url())
    settings.EGRESS_ALLOW_LOOPBACK = False
    raised(workspace)
    notifying.notify()
    status, error = outcome(one)
    assert status == "pending"
    assert error is not None
    assert "not allowed" in error
    assert sink.got == []


def test_a_test_says_so(workspace: Account, sink: Sink, mailbox: Mailbox) -> None:
    made: list[UUID] = []
    for kind, target in (
        (ChannelKind.WEBHOOK, sink.url()),
        (ChannelKind.SLACK, sink.url("/chat")),
        (ChannelKind.EMAIL, "ops@example.com"),
    ):
        one, _ = channel(workspace, kind, target)
        made.append(channels.test(workspace_id=workspace.id, channel_id=one.id).id)
    notifying.notify()
    assert sink.at("/hook")[0].json["data"] == {"test": True, "total": 0, "alerts": []}
    assert sink.at("/chat")[0].json == {"text": "This is a test from Tenlyr: the channel works."}
    assert mailbox.mails[0]["Subject"] == "[Tenlyr] Test"
    assert {one.status for one in Message.objects.filter(pk__in=made)} == {"sent"}
