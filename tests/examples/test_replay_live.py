"""The replay against a running Tenlyr: contract rows B3, B9, B13, B14, A18, X2, X5, X23."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.runtime.running import eventually
from tests.sdks import tools

pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)
# The consumer stores within 10 s what was accepted (F6).
STORED_S = 15
SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "replay_access_log.py"
BEGIN = datetime(2015, 5, 1, 12, 0, 0, tzinfo=timezone(timedelta(hours=2)))
MALFORMED = ["", "no log line", '198.18.0.1 - - [30/Feb/2015:12:00:00 +0000] "GET / HTTP/1.1" 200']
STATUSES = (200, 304, 404, 429, 500, 503)
# Networks that no two tests share: every test finds its tenants new. The name of each is the
# one that the replay is to give it at --ipv4-prefix 16.
MONTHS_CLIENTS = {
    "198.18.0.0/16": "198.18.7.1",
    "198.19.0.0/16": "198.19.7.1",
    "2001:db8::/32": "2001:db8:7::1",
}


class Product(Protocol):
    """A running Tenlyr."""

    url: str
    admin_key: str


@dataclass
class Run:
    """A finished replay: what it printed and wrote."""

    code: int
    out: str
    err: str
    summary: dict[str, Any]
    keys: dict[str, str]

    @property
    def tenants(self) -> dict[str, dict[str, Any]]:
        return {tenant["network"]: tenant for tenant in self.summary["tenants"]}


class Replayer:
    """Runs the script as a stranger would, and reads the product's own account of it."""

    def __init__(self, product: Product, folder: Path, http: httpx.Client) -> None:
        self.product, self.folder, self.http = product, folder, http

    def run(self, lines: Sequence[str], *more: str, gzipped: bool = False) -> Run:
        text = "".join(f"{line}\n" for line in lines).encode()
        summary, keys = self.folder / "summary.json", self.folder / "keys.json"
        command = [sys.executable, str(SCRIPT), "-", "--url", self.product.url]
        command += ["--ipv4-prefix", "16", "--json", str(summary), "--save-keys", str(keys), *more]
        done = subprocess.run(
            command,
            input=gzip.compress(text) if gzipped else text,
            capture_output=True,
            env={**os.environ, "TENLYR_ADMIN_KEY": self.product.admin_key},
            timeout=90,
        )
        assert keys.stat().st_mode & 0o777 == 0o600, done.stderr
        return Run(
            code=done.returncode,
            out=done.stdout.decode(),
            err=done.stderr.decode(),
            summary=json.loads(summary.read_text()),
            keys={key["network"]: key["apiKey"] for key in json.loads(keys.read_text())},
        )

    def get(self, path: str, key: str) -> Any:
        answer = self.http.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def is_refused(self, key: str) -> bool:
        headers = {"Authorization": f"Bearer {key}"}
        return self.http.get("/api/v1/usage/metrics", headers=headers).status_code == 401

    def api_calls(self, key: str) -> int:
        return int(self.get("/usage/metrics", key)["apiCalls"])

    def dashboard(self) -> dict[str, int]:
        rows = self.get("/tenants/dashboard", self.product.admin_key)
        return {row["id"]: row["apiCalls"] for row in rows}

    def events(self, key: str) -> list[dict[str, Any]]:
        return list(self.get("/usage/events?limit=1000", key))

    def has_stored(self, key: str, many: int) -> bool:
        return len(self.events(key)) == many


@pytest.fixture
def replayer(product: Product, tmp_path: Path) -> Iterator[Replayer]:
    with httpx.Client(base_url=product.url, timeout=30) as http:
        yield Replayer(product, tmp_path, http)


def combined(client: str, at: datetime, request: str, status: int) -> str:
    when = at.strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'{client} - - [{when}] "{request}" {status} 512 "-" "curl/8.0"'


def two_months() -> list[str]:
    """240 requests of three networks over 60 days; about a third got a 500 or a 503."""
    clients = list(MONTHS_CLIENTS.values())
    return [
        combined(
            clients[number % 3],
            BEGIN + timedelta(hours=6 * number),
            f"GET /page/{number % 5}?visit={number} HTTP/1.1",
            STATUSES[number // 3 % 6],
        )
        for number in range(240)
    ]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestTwoMonthsOfThreeNetworks:
    """One log with everything in it, replayed and then replayed again under the same name."""

    def test_every_line_counts_once_in_this_month(self, replayer: Replayer) -> None:
        good = two_months()
        lines = [*good[:100], *MALFORMED, *good[100:]]
        run = replayer.run(lines)
        self.told_the_truth(run)
        self.stored_the_truth(replayer, run)
        again = replayer.run(
            lines, "--run-id", run.summary["runId"], "--until", run.summary["until"]
        )
        self.counted_nothing_twice(replayer, run, again)

    def told_the_truth(self, run: Run) -> None:
        assert run.code == 0, run.err
        assert run.tenants.keys() == MONTHS_CLIENTS.keys()
        for network, tenant in run.tenants.items():
            assert network in run.out
            assert (tenant["lines"], tenant["accepted"], tenant["billable"]) == (80, 80, 54)
            assert (tenant["refusedByLimit"], tenant["errors"]) == (0, 0)
        assert [one["line"] for one in run.summary["malformed"]["first"]] == [101, 102, 103]
        assert "3 malformed lines were left out:" in run.out
        assert "compressed into" in run.err

    def stored_the_truth(self, replayer: Replayer, run: Run) -> None:
        until = moment(run.summary["until"])
        month = until.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        oldest = []
        for network, tenant in run.tenants.items():
            key = run.keys[network]
            assert replayer.api_calls(key) == 54
            eventually(partial(replayer.has_stored, key, 80), "all lines are stored", STORED_S)
            events = replayer.events(key)
            assert {event["tenantId"] for event in events} == {tenant["tenantId"]}
            assert Counter(event["endpoint"] for event in events) == Counter(
                {f"/page/{page}": 16 for page in range(5)}
            )
            oldest.append(min(moment(event["timestamp"]) for event in events))
            assert max(moment(event["timestamp"]) for event in events) <= until
        assert min(oldest) == month.astimezone(UTC)
        eventually(
            lambda: all(
                replayer.dashboard()[tenant["tenantId"]] == 54 for tenant in run.tenants.values()
            ),
            "the dashboard has all of them",
            STORED_S,
        )

    def counted_nothing_twice(self, replayer: Replayer, run: Run, again: Run) -> None:
        assert again.code == 0, again.err
        assert again.summary["duplicates"] == 240
        assert "3 tenants were there from an earlier run" in again.out
        for network, key in again.keys.items():
            assert again.tenants[network]["tenantId"] == run.tenants[network]["tenantId"]
            assert replayer.api_calls(key) == 54
            assert len(replayer.events(key)) == 80
            eventually(partial(replayer.is_refused, run.keys[network]), "the old key is refused", 1)


@pytest.mark.parametrize(
    ("client", "how"),
    [
        ("198.51.100.1", ["--single", "--concurrency", "64"]),
        ("203.0.113.1", ["--batch-size", "7", "--concurrency", "16"]),
    ],
)
def test_a_starter_stops_at_exactly_its_limit(
    replayer: Replayer, client: str, how: list[str]
) -> None:
    calls = [combined(client, BEGIN, f"GET /{n} HTTP/1.1", 200) for n in range(1_012)]
    broken = [combined(client, BEGIN, "GET /broken HTTP/1.1", 502) for _ in range(5)]
    run = replayer.run([*calls, *broken], "--plan", "starter", *how)
    assert run.code == 0, run.err
    assert run.summary["total"] == {
        "lines": 1_017,
        "accepted": 1_005,  # what the server broke is stored and costs nothing, limit or not
        "billable": 1_000,
        "refusedByLimit": 12,
        "errors": 0,
    }
    assert [replayer.api_calls(key) for key in run.keys.values()] == [1_000]


def test_odd_requests_of_a_packed_log_are_taken(replayer: Replayer) -> None:
    requests = ["-", r"\x16\x03\x01", "OPTIONS * HTTP/1.1", f"GET /{'a' * 600} HTTP/1.1"]
    requests += ["GET /a b?c HTTP/1.1", "GET /caf\u00e9\u2615 HTTP/1.1", "GET /a\tb HTTP/1.1"]
    lines = [combined("192.0.2.1", BEGIN, request, 408) for request in requests]
    left_out = combined("192.0.2.1", BEGIN, "GET /later HTTP/1.1", 200)
    run = replayer.run([*lines, left_out], "--limit-lines", str(len(lines)), gzipped=True)
    assert run.code == 0, run.out
    (key,) = run.keys.values()
    eventually(partial(replayer.has_stored, key, len(lines)), "all lines are stored", STORED_S)
    assert Counter(event["endpoint"] for event in replayer.events(key)) == Counter(
        [None, None, "*", f"/{'a' * 254}", "/a b", "/caf\u00e9\u2615", "/a\ufffdb"]
    )


def test_a_wrong_key_is_a_sentence(product: Product, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(combined("192.0.2.1", BEGIN, "GET / HTTP/1.1", 200))
    command = [sys.executable, str(SCRIPT), str(log), "--url", product.url]
    wrong = ["--admin-key", "tenlyr_live_tf_wrong"]
    done = subprocess.run([*command, *wrong], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "refuses the admin key: 401" in done.stderr
