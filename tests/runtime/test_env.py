"""Settings that are lists: read strictly, and a mistake is one sentence."""

from ipaddress import ip_network

import pytest

from tenlyr import env

NAME = "TENLYR_EXAMPLE"


def test_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert env.networks(NAME) == ()
    monkeypatch.setenv(NAME, "10.1.0.0/16, fd00::/8,192.0.2.7")
    assert env.networks(NAME) == tuple(
        ip_network(one) for one in ("10.1.0.0/16", "fd00::/8", "192.0.2.7/32")
    )


@pytest.mark.parametrize("wrong", ["10.1.0.1/16", "10.1.0.0/33", "localhost", "10.1.0.0/16;::1"])
def test_what_is_no_network(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv(NAME, wrong)
    with pytest.raises(env.SettingError, match=f"{NAME} must list networks such as"):
        env.networks(NAME)


def test_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert env.ports(NAME, "443,8443") == (443, 8443)
    monkeypatch.setenv(NAME, " 9443 ")
    assert env.ports(NAME, "443,8443") == (9443,)


@pytest.mark.parametrize("wrong", ["0", "65536", "https", "-1", "443-8443", "4\uff14"])
def test_what_is_no_port(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv(NAME, wrong)
    with pytest.raises(env.SettingError, match=f"{NAME} must list ports from 1 to 65535"):
        env.ports(NAME, "443")
