"""A plain keep-alive client for calls that are few and whose time matters: provisioning."""

import http.client
import json
import time
from dataclasses import dataclass, field
from itertools import count
from threading import Barrier, Thread
from typing import Any

from benchmarks.load import LoadFailed

_numbers = count(1)


@dataclass
class Client:
    """One connection with one key."""

    port: int
    key: str
    _line: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._line.connect()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer's body; raises `LoadFailed` outside 2xx."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self._line.request("POST", path, json.dumps(body), headers)
        answer = self._line.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise LoadFailed(f"{path} answered {answer.status}: {content[:500]!r}")
        return dict(json.loads(content))

    def provision(self, level: str, plan: str = "scale") -> dict[str, Any]:
        """A new tenant: `{tenant, apiKey}`."""
        number = next(_numbers)
        return self.post(
            "/api/v1/tenants",
            {
                "name": f"Tenant {number}",
                "ownerEmail": f"owner-{number}@bench.example",
                "plan": plan,
                "isolationLevel": level,
            },
        )

    def provision_ms(self, level: str) -> float:
        """How long one provisioning takes."""
        begin = time.perf_counter()
        self.provision(level)
        return (time.perf_counter() - begin) * 1000


def together(clients: list[Client], level: str, each: int) -> list[float]:
    """All clients provision `each` tenants, starting together; each call's milliseconds."""
    taken: list[float] = []
    failures: list[BaseException] = []
    start = Barrier(len(clients))

    def work(client: Client) -> None:
        try:
            start.wait(30)
            taken.extend(client.provision_ms(level) for _ in range(each))
        except BaseException as error:  # told to the caller, in whose thread it belongs
            failures.append(error)

    threads = [Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return taken
