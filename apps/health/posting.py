"""Sending one message by its channel's means. It asks no database: threads of their own do it."""

from dataclasses import dataclass
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from apps.health import sealing, wording
from apps.health.models import ChannelKind, Message
from apps.health.wording import Said
from tenlyr.core import clock
from tenlyr.core.egress import posting, signing
from tenlyr.core.egress.replies import Outcome

log = structlog.get_logger(__name__)

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message and what it says."""

    message: Message
    said: Said


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a message was not taken; a final failure is not tried again."""

    reason: str
    is_final: bool = False


def send(parcel: Parcel) -> Failed | None:
    """Send once; None when the receiver took it. Bounded in time, never raises."""
    try:
        return SENDERS[ChannelKind(parcel.message.channel.kind)](parcel)
    except Exception as error:  # of a mail backend that is not ours: the others are to be told
        log.exception("health.message_broken", message_id=str(parcel.message.pk))
        return Failed(f"The channel failed: {type(error).__name__}.")


def _send_webhook(parcel: Parcel) -> Failed | None:
    target, secret = sealing.opened(parcel.message.channel)
    body = wording.webhook(parcel.said)
    signed = signing.headers([secret], wording.message_id(parcel.said), body, clock.now())
    return _post(target, body, {**JSON, **signed})


def _send_slack(parcel: Parcel) -> Failed | None:
    target, _ = sealing.opened(parcel.message.channel)
    return _post(target, wording.slack(parcel.said), JSON)


def _send_email(parcel: Parcel) -> Failed | None:
    target, _ = sealing.opened(parcel.message.channel)
    subject, text = wording.email(parcel.said)
    known = {"Message-ID": f"<{wording.message_id(parcel.said)}@tenlyr>"}
    mail = EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [target], headers=known)
    try:
        mail.send()
    except (OSError, SMTPException) as error:
        return Failed(f"The mail server did not take it: {type(error).__name__}.")
    return None


def _post(url: str, body: bytes, headers: dict[str, str]) -> Failed | None:
    reply = posting.post_now(url, body, headers)
    if reply.is_accepted:
        return None
    return Failed(reply.reason, is_final=reply.outcome is Outcome.GONE)


SENDERS = {
    ChannelKind.WEBHOOK: _send_webhook,
    ChannelKind.SLACK: _send_slack,
    ChannelKind.EMAIL: _send_email,
}
