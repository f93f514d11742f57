"""The Express and the FastAPI application against a running Tenlyr: G1, G4, G6, X5."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tenlyr.runtime import ports
from tests.house.sources import ROOT
from tests.runtime.running import eventually
from tests.sdks import tools
from tests.sdks.installed import Installed

STOP_S = 60
EXAMPLES = ROOT / "examples"
pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)


def express(sdk: Installed, folder: Path) -> tuple[list[str], dict[str, str]]:
    """What `npm start` runs, beside the packages that `npm install` would bring."""
    packages = folder / "node_modules"
    (packages / "@tenlyr").mkdir(parents=True)
    (packages / "@tenlyr" / "sdk").symlink_to(sdk.sdk)
    (packages / "express").symlink_to(sdk.sdk / "node_modules" / "express")
    for name in ("package.json", "app.js"):
        (folder / name).write_text((EXAMPLES / "express-app" / name).read_text())
    start = json.loads((folder / "package.json").read_text())["scripts"]["start"]
    return shlex.split(start), sdk.env


def fastapi(sdk: Installed, folder: Path) -> tuple[list[str], dict[str, str]]:
    """`python app.py`, beside what `pip install -r requirements.txt` would bring."""
    (folder / "app.py").write_text((EXAMPLES / "fastapi-app" / "app.py").read_text())
    path = os.pathsep.join([sdk.env["PYTHONPATH"], str(tools.fastapi(__name__))])
    return [sys.executable, "app.py"], {**sdk.env, "PYTHONPATH": path}


APPS = {"express-app": ("typescript", express), "fastapi-app": ("python", fastapi)}


class App:
    """An example as its README starts it, on a port of its own."""

    def __init__(
        self, product: Any, name: str, command: list[str], folder: Path, env: dict[str, str]
    ) -> None:
        self.name, port = name, str(ports.any_free())
        settings = {"TENLYR_ADMIN_KEY": product.admin_key, "TENLYR_URL": product.url, "PORT": port}
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env={**env, **settings}, stdout=log, stderr=log
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        key = {"Authorization": f"Bearer {product.admin_key}"}
        self.tenlyr = httpx.Client(base_url=f"{product.url}/api/v1", headers=key, timeout=30)

    def is_up(self) -> bool:
        """Whether it answers; what it said when it has ended."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/notes").status_code == 404
        except httpx.TransportError:
            return False

    def sign_up(self, slug: str, email: str = "") -> httpx.Response:
        """A new customer."""
        email = f"{email or slug}@{self.name}.example"
        return self.http.post("/signup", json={"slug": slug, "name": slug, "email": email})

    def ask(self, slug: str) -> httpx.Response:
        return self.http.get("/notes", headers={"X-Tenant-ID": slug})

    def note(self, slug: str, text: str) -> httpx.Response:
        return self.http.post("/notes", headers={"X-Tenant-ID": slug}, json={"text": text})

    def calls(self, tenant_id: str) -> int:
        """What Tenlyr has counted of a tenant."""
        rows = self.tenlyr.get("/tenants/dashboard", params={"limit": 1000}).json()
        return next(int(row["apiCalls"]) for row in rows if row["id"] == tenant_id)

    def stop(self) -> None:
        """End it as a supervisor does."""
        self.process.send_signal(signal.SIGTERM)
        # uvicorn ends in order and then by the signal that it got.
        assert self.process.wait(STOP_S) in {0, -signal.SIGTERM}, self.log.read_text()

    def close(self) -> None:
        """Leave nothing running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)
        self.http.close()
        self.tenlyr.close()


@pytest.fixture(params=APPS)
def app(
    product: Any,
    install: Callable[[str], Installed],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[App]:
    """Each of the two, running."""
    language, prepare = APPS[request.param]
    command, env = prepare(install(language), tmp_path)
    running = App(product, f"{request.param}-{uuid4().hex}", command, tmp_path, env)
    try:
        eventually(running.is_up, "it answers")
        yield running
    finally:
        running.close()


def test_tenants_are_apart_limited_suspended_and_counted(app: App) -> None:
    acme, globex = (app.sign_up(slug).json()["tenantId"] for slug in ("acme", "globex"))
    for slug in ("acme", "globex"):
        assert app.note(slug, f"of {slug}").status_code == 201
    assert app.ask("acme").json() == {"notes": ["of acme"]}
    by_host = app.http.get("/notes", headers={"Host": "globex.notes.example"})
    assert by_host.json() == {"notes": ["of globex"]}

    assert [app.note("acme", "more").status_code for _ in range(3)] == [201, 201, 429]
    assert app.note("globex", "more").status_code == 201

    assert app.tenlyr.post(f"/tenants/{globex}/suspend").status_code == 200
    eventually(lambda: app.ask("globex").status_code == 403, "a suspended one is refused")
    assert app.ask("globex").json()["code"] == "tenant_suspended"

    app.stop()
    eventually(lambda: app.calls(acme) == 5, "all calls are counted, the refused one, too")


def test_who_is_no_tenant_is_refused(app: App) -> None:
    answer = app.ask("nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "tenant_not_found")
    assert app.sign_up("once").status_code == 201
    assert app.sign_up("once", "another").status_code == 409
    assert app.sign_up("twice", "once").status_code == 409
    assert app.sign_up("twice", "no address").status_code == 422
