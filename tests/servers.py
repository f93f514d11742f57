"""The servers of a test run."""

from tests.stack.servers import Servers

_servers: list[Servers] = []


def start() -> dict[str, str]:
    """Start Postgres and Valkey; answers the settings that point at them."""
    servers = Servers().start()
    _servers.append(servers)
    return servers.env


def current() -> Servers:
    """The servers of this run."""
    return _servers[0]


def stop() -> None:
    """Stop what was started."""
    while _servers:
        _servers.pop().stop()
