"""The code blocks of the README run, in their order."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from fake_api import FakeApi
from replaying import KEYS, load

import tenlyr

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_python_blocks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"tenant_id": "t", "api_key": KEYS["$TENANT"]}
    with FakeApi() as fake:
        migration = next(one for one in load("cases/isolation.json") if "migrate" in one["name"])
        told = migration["exchanges"][-1]["response"]["body"]
        fake.tell("isolation.getMigration", {**told, "status": "completed"})
        monkeypatch.setenv("TENLYR_ADMIN_KEY", KEYS["$ADMIN"])
        monkeypatch.setenv("TENLYR_URL", fake.url)
        for block in BLOCKS:
            exec(compile(block, "README.md", "exec"), names)
        names["client"].close()
    assert {one.method for one in fake.asked} == {"GET", "POST"}
    assert capsys.readouterr().out.startswith("Acme Corp ")
    vector = load("signatures.json")[0]
    monkeypatch.setenv("WEBHOOK_SECRET", vector["secret"])
    monkeypatch.setattr(time, "time", lambda: vector["now"])
    names["receive"](vector["payload"].encode(), vector["headers"])
    assert capsys.readouterr().out == "tenant.suspended t\n"


def test_it_names_every_error() -> None:
    kinds = [getattr(tenlyr, name) for name in tenlyr.__all__]
    errors = [one for one in kinds if isinstance(one, type) and issubclass(one, Exception)]
    assert [one.__name__ for one in errors if f"`{one.__name__}`" not in README] == []
