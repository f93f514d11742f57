"""The TypeScript SDK from a clean checkout: its own tests, and packed into a project (Done 2)."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sdks import tools
from tests.sdks.installed import Installed

# What both kinds of module print: that it loads, and that it refuses a key that is none.
USE = """
const client = new Tenlyr({ apiKey: "tenlyr_live_no_key" });
client.tenants.get("t").catch((error) => {
  console.log(error instanceof AuthenticationError, error.statusCode);
});
"""
ESM = 'import { AuthenticationError, Tenlyr } from "@tenlyr/sdk";\n' + USE
CJS = 'const { AuthenticationError, Tenlyr } = require("@tenlyr/sdk");\n' + USE
TYPED = """import { ConflictError, Tenlyr, type Tenant, type UsageEvent } from "@tenlyr/sdk";

export async function provision(tenlyr: Tenlyr): Promise<Tenant> {
  const { tenant, apiKey } = await tenlyr.tenants.create({
    name: "Acme Corp",
    ownerEmail: "owner@acme.example",
    plan: "growth",
  });
  const event: UsageEvent = await tenlyr.usage.track({
    tenantKey: apiKey,
    metric: "api_call",
    value: 1,
  });
  for await (const one of tenlyr.tenants.listAll({ limit: 2 })) console.log(one.id, event.id);
  return tenant;
}

export function isTaken(error: unknown): boolean {
  return error instanceof ConflictError && error.statusCode === 409;
}

// @ts-expect-error: there is no such plan
export const wrong = (tenlyr: Tenlyr) => tenlyr.tenants.changePlan("t", "gold");
"""

# A first run compiles, or fetches what it needs; a second one takes seconds.
pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)


@pytest.fixture(scope="module")
def typescript(install: Callable[[str], Installed]) -> Installed:
    """The SDK as it is checked out, and a project that has it."""
    return install("typescript")


def test_it_passes_its_own_tests(typescript: Installed) -> None:
    """What `npm test` runs, but for the build: packing has built it."""
    scripts = json.loads((typescript.sdk / "package.json").read_text())["scripts"]
    assert scripts["test"] == "npm run build && node --test test/*.test.mjs"
    files = sorted(typescript.sdk.glob("test/*.test.mjs"))
    said = tools.run(["node", "--test", *files], typescript.sdk, env=typescript.env).stdout
    assert re.search(r"^\S* ?pass [1-9]\d*$", said, re.MULTILINE)
    for none in ("fail", "skipped", "todo", "cancelled"):
        assert re.search(rf"^\S* ?{none} 0$", said, re.MULTILINE)


def test_it_needs_nothing_else(typescript: Installed) -> None:
    described = json.loads((typescript.sdk / "package.json").read_text())
    assert not set(described) & {"dependencies", "peerDependencies", "optionalDependencies"}
    there = {one.name for one in (typescript.project / "node_modules").iterdir()}
    assert there <= {"@tenlyr", ".package-lock.json"}


@pytest.mark.parametrize(("name", "program"), [("use.mjs", ESM), ("use.cjs", CJS)])
def test_an_empty_project_uses_it(
    typescript: Installed, tmp_path: Path, name: str, program: str
) -> None:
    (tmp_path / name).write_text(program)
    assert typescript.run_file(tmp_path / name) == "true 401\n"


@pytest.mark.parametrize("module", ["nodenext", "commonjs"])
def test_a_strict_compiler_takes_its_types(typescript: Installed, module: str) -> None:
    (typescript.project / "typed.ts").write_text(TYPED)
    resolution = {"nodenext": "nodenext", "commonjs": "node10"}[module]
    compiler = typescript.sdk / "node_modules" / "typescript" / "bin" / "tsc"
    tools.run(
        [
            *("node", compiler, "--strict", "--noEmit", "--exactOptionalPropertyTypes"),
            *("--target", "es2022", "--lib", "es2022,dom"),
            *("--module", module, "--moduleResolution", resolution, "typed.ts"),
        ],
        typescript.project,
        env=typescript.env,
    )
