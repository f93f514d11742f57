"""What is secret of a channel stays so."""

import pytest

from apps.health import sealing
from apps.health.models import Channel, ChannelKind
from tenlyr.core.secrets import CannotDecrypt


def test_target_and_secret_open_again_and_are_nowhere_in_the_row() -> None:
    sealed = sealing.sealed("https://chat.example/services/T0/B0", "whsec_x")
    assert sealing.opened(Channel(sealed=sealed)) == (
        "https://chat.example/services/T0/B0",
        "whsec_x",
    )
    assert b"services" not in sealed
    with pytest.raises(CannotDecrypt):
        sealing.opened(Channel(sealed=sealed[:-1] + b"x"))


@pytest.mark.parametrize(
    ("kind", "target", "shown"),
    [
        (ChannelKind.EMAIL, "ops@example.com", "ops@example.com"),
        (ChannelKind.SLACK, "https://hooks.slack.com/services/T0", "https://hooks.slack.com/…"),
        (ChannelKind.WEBHOOK, "https://a.example:8443/x", "https://a.example:8443/x"),
        (ChannelKind.WEBHOOK, "https://a.example/x?token=1", "https://a.example/x?…"),
    ],
)
def test_what_is_shown(kind: ChannelKind, target: str, shown: str) -> None:
    assert sealing.shown(kind, target) == shown
