"""Who may import whom (architecture, 3)."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.house.sources import PRODUCT, ROOT, Source, sources

# Beside an app itself, its rooms that others may enter, each with the reason.
OPEN = {
    "apps.isolation.operations": "migrations of tenant-owned tables fence them",
    "apps.metering.api.lane": "the web process answers tracking before Django",
}
# Where SQL is written by hand: isolation, the kernel, and the stores of the apps.
OWN_SQL = re.compile(
    r"apps/isolation/|tenlyr/core/|apps/metering/|apps/audit/trail\.py"
    r"|apps/(tenants|workspaces)/keys\.py|apps/tenants/activity\.py|apps/prover/"
    r"|apps/dataplane/|apps/health/|apps/webhooks/statements\.py"
)
# name -> the only place that may import it
ONE_DOOR = {
    "django_tenants": re.compile(r"apps/isolation/"),
    "redis": re.compile(r"tenlyr/core/redis\.py|tenlyr/runtime/"),
    "stripe": re.compile(r"apps/billing/gateway"),
    "djstripe": re.compile(r"apps/billing/"),
    "django.db.connection": OWN_SQL,
    "django.db.connections": OWN_SQL,
}


def lint(*options: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run import-linter as `make lint` does."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *options],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_contracts_are_kept() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout


def test_outsiders_come_in_by_the_door() -> None:
    through_the_wall = [
        f"{one.name}: {name}"
        for one in sources(*PRODUCT)
        for _, name in one.imports()
        if is_through_the_wall(one, name)
    ]
    assert through_the_wall == []


def is_through_the_wall(source: Source, name: str) -> bool:
    """Whether an import reaches into another app past its door."""
    match = re.match(r"apps\.(\w+)(?:\.(\w+))?", name)
    if match is None or match[1] == source.app:
        return False
    if any(name.startswith(room) for room in OPEN):
        return False
    return match[2] not in {"public", "apps"} and "/tests/" not in source.name


def test_what_has_one_door_is_used_behind_it_only() -> None:
    found = [
        f"{one.name}: {name}"
        for one in sources(*PRODUCT)
        for _, name in one.imports()
        for banned, place in ONE_DOOR.items()
        if (name == banned or name.startswith(f"{banned}.")) and not place.match(one.name)
    ]
    assert found == []


def test_a_verb_never_imports_a_task() -> None:
    """It calls `after_commit` with the task's name: the broker hears of nothing uncommitted."""
    found = [
        f"{one.name}: {name}"
        for one in sources(*PRODUCT)
        for _, name in one.imports()
        if re.fullmatch(r"apps\.\w+\.tasks(\.\w+)?", name)
    ]
    assert found == []


def test_every_scheduled_and_sent_task_has_its_name() -> None:
    named = set()
    for one in sources(*PRODUCT):
        if one.name.endswith(("/tasks.py", "core/background.py")):
            named |= set(re.findall(r'@shared_task\(name="([\w.]+)"', one.text))
    assert named
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in named)
    sent = {
        name
        for one in sources(*PRODUCT)
        for name in re.findall(r'after_commit\(\s*"([\w.]+)"', one.text)
    }
    assert sent
    assert sent <= named


def test_an_import_inside_a_function_says_why() -> None:
    """In an app's `ready` it is the rule; elsewhere a comment beside it gives the reason."""
    silent = [
        f"{one.name}:{node.lineno}"
        for one in sources(*PRODUCT)
        for function in one.functions()
        if function.name != "ready"
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not has_reason(one, node)
    ]
    assert silent == []


def has_reason(source: Source, node: ast.stmt) -> bool:
    """Whether a comment stands on the line or on the one above."""
    around = source.lines[max(node.lineno - 2, 0) : node.lineno]
    return any(re.search(r"#(?! noqa)", line) for line in around)


def test_nothing_is_imported_from_the_tests() -> None:
    found = [
        f"{one.name}: {name}"
        for one in sources(*PRODUCT, "examples")
        for _, name in one.imports()
        if name.split(".")[0] in {"tests", "benchmarks"}
    ]
    assert found == []


def test_the_contracts_see_what_they_look_for(tmp_path: Path) -> None:
    """A copy of the house with one wrong import in it is refused, for each contract."""
    import shutil

    for folder in PRODUCT:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for room, wrong in {
        "apps/isolation/placing.py": "import apps.tenants.public",
        "apps/audit/trail.py": "import apps.webhooks.outbox",
        "tenlyr/core/clock.py": "import apps.isolation.levels",
        "apps/metering/track.py": "import rest_framework.views",
        "apps/metering/ingest.py": "import apps.metering.models",
        "apps/metering/events.py": "import celery",
        "apps/tenants/models.py": "import apps.tenants.api.views",
        "apps/tenants/lifecycle.py": "import apps.tenants.api.serializers",
    }.items():
        path = tmp_path / room
        before = path.read_text()
        path.write_text(f"{before}\n{wrong}\n")
        done = lint(cwd=tmp_path)
        path.write_text(before)
        assert done.returncode == 1, f"{room}: {wrong}"
        assert "1 broken" in done.stdout or "2 broken" in done.stdout
