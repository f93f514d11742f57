"""A mail backend such as an operator may have written: this one knows no address."""

from collections.abc import Sequence
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend


class Refusing(BaseEmailBackend):
    """Raises what no mail server would."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        raise LookupError("no such address")
