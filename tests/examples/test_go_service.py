"""The Go service against a running Tenlyr: signing up, whose notes, refusals, usage (G1-G7, X5)."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.house.sources import ROOT
from tests.runtime.running import eventually
from tests.sdks import tools

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
STOP_S = 60
FOLDER = ROOT / "examples" / "go-service"
pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)


class Service:
    """The example as its README starts it, on a port of its own."""

    def __init__(self, product: Any, program: Path) -> None:
        self.product = product
        settings = {
            "TENLYR_ADMIN_KEY": product.admin_key,
            "TENLYR_URL": product.url,
            "TENLYR_WEBHOOK_SECRET": SECRET,
            "ADDRESS": "127.0.0.1:0",
        }
        self.process = subprocess.Popen(
            [program], env={**tools.environment(), **settings}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        words = self.process.stdout.readline().split()
        assert words[:2] == ["listening", "on"], words
        self.http = httpx.Client(base_url=words[2], timeout=30)
        key = {"Authorization": f"Bearer {product.admin_key}"}
        self.tenlyr = httpx.Client(base_url=f"{product.url}/api/v1", headers=key, timeout=30)

    def sign_up(self, slug: str, **more: str) -> str:
        """A new customer; its tenant's id."""
        form = {"slug": slug, "name": slug, "email": f"{slug}@goservice.example", **more}
        answer = self.http.post("/signup", json=form)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["tenantId"])

    def ask(self, method: str, path: str, slug: str, **more: Any) -> httpx.Response:
        return self.http.request(method, path, headers={"X-Tenant-ID": slug}, **more)

    def tell(self, event: dict[str, Any], secret: str = SECRET) -> int:
        """Deliver a webhook as Tenlyr does; the status."""
        at, body = str(int(time.time())), json.dumps(event).encode()
        digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        header = {"Tenlyr-Signature": f"t={at},v1={digest}"}
        return self.http.post("/webhooks", content=body, headers=header).status_code

    def stop(self) -> int:
        """End it as a supervisor does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_S)
        self.http.close()
        self.tenlyr.close()
        assert self.process.stdout
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled."""
    made, env = tmp_path_factory.mktemp("go-service") / "service", tools.go(__name__)
    tools.run(["go", "vet", "./..."], FOLDER, env=env)
    assert tools.run(["gofmt", "-l", "."], FOLDER, env=env).stdout == ""
    tools.run(["go", "build", "-o", made, "."], FOLDER, env=env)
    return made


@pytest.fixture
def service(product: Any, program: Path) -> Iterator[Service]:
    """The example, running."""
    running = Service(product, program)
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0


def test_customers_have_notes_of_their_own(service: Service) -> None:
    for slug in ("acme", "globex"):
        service.sign_up(slug)
        assert service.ask("POST", "/notes", slug, json={"text": f"of {slug}"}).status_code == 201
    assert service.ask("GET", "/notes", "acme").json() == {"notes": ["of acme"]}
    by_host = service.http.get("/notes", headers={"Host": "globex.notes.example"})
    assert by_host.json() == {"notes": ["of globex"]}


def test_who_is_no_tenant_is_refused_with_structure(service: Service) -> None:
    answer = service.ask("GET", "/notes", "nobody")
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "Tenant not found.",
        "error": "Not Found",
        "statusCode": 404,
        "code": "tenant_not_found",
    }
    assert service.http.get("/notes").status_code == 404


def test_names_and_addresses_are_taken_once(service: Service) -> None:
    service.sign_up("once")
    form = {"slug": "once", "name": "another", "email": "another@goservice.example"}
    assert service.http.post("/signup", json=form).status_code == 409
    form = {"slug": "twice", "name": "once", "email": "once@goservice.example"}
    assert service.http.post("/signup", json=form).status_code == 409
    form["email"] = "two@goservice.example"  # the slug is free again
    assert service.http.post("/signup", json=form).status_code == 201


def test_a_plan_opens_what_it_includes(service: Service) -> None:
    service.sign_up("small", plan="starter")
    service.sign_up("large", plan="scale")
    assert service.ask("GET", "/export", "small").json()["code"] == "plan_required"
    assert service.ask("GET", "/export", "large").status_code == 200


def test_a_suspension_is_heard_of(service: Service) -> None:
    tenant_id = service.sign_up("late")
    assert service.ask("GET", "/notes", "late").status_code == 200
    assert service.tenlyr.post(f"/tenants/{tenant_id}/suspend").status_code == 200
    event = {"id": "evt_1", "type": "tenant.suspended", "data": {"tenantId": tenant_id}}
    assert service.tell(event, secret="whsec_another") == 400
    assert service.tell(event) == 204
    answer = service.ask("GET", "/notes", "late")
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")


def test_what_is_called_is_tracked_to_the_last(service: Service) -> None:
    tenant_id = service.sign_up("busy")
    for _ in range(5):
        assert service.ask("GET", "/notes", "busy").status_code == 200
    assert service.ask("GET", "/nowhere", "busy").status_code == 404
    assert service.stop() == 0
    with httpx.Client(base_url=service.product.url, timeout=30) as client:
        key = {"Authorization": f"Bearer {service.product.admin_key}"}
        eventually(lambda: _calls(client, key, tenant_id) == 6, "six calls are counted")


def _calls(client: httpx.Client, key: dict[str, str], tenant_id: str) -> int:
    rows = client.get("/api/v1/tenants/dashboard", params={"limit": 1000}, headers=key).json()
    return next(int(row["apiCalls"]) for row in rows if row["id"] == tenant_id)


def test_a_wrong_key_is_told_at_once(product: Any, program: Path) -> None:
    settings = {"TENLYR_URL": product.url, "TENLYR_ADMIN_KEY": "nonsense"}
    done = subprocess.run(
        [program],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=STOP_S,
        check=False,
    )
    assert (done.returncode, "malformed" in done.stderr) == (1, True)
    assert "nonsense" not in done.stderr
