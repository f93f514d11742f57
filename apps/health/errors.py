"""What a caller can meet when it asks for alerts and channels."""

from tenlyr.core.errors import Forbidden, NotFound, Refused


class AlertNotFound(NotFound):
    """Unknown, or another's: the caller cannot tell which."""

    message = "Alert not found"


class ChannelNotFound(NotFound):
    """Unknown, or another workspace's: the caller cannot tell which."""

    message = "Channel not found"


class EmailNotConfigured(Refused):
    """The installation has no mail server (`TENLYR_EMAIL_URL`, `TENLYR_EMAIL_BACKEND`)."""

    code = "email_not_configured"
    message = "This installation sends no e-mail: its operator has to set TENLYR_EMAIL_URL."


class TooManyChannels(Forbidden):
    """Details: limit."""

    code, message = "channel_limit_exceeded", "The workspace has as many channels as it may have."
