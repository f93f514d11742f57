"""The TypeScript SDK from a clean checkout: its own tests, and packed into a project (Done 2)."""

import json
from pathlib import Path

import pytest

from tests.sdks import tools
from tests.sdks.checkout import checkout

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
def env() -> dict[str, str]:
    """Node and npm."""
    return tools.node(__name__)


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """The SDK as it is checked out, with the compiler that its lock file names."""
    folder = checkout(tmp_path_factory.mktemp("typescript")) / "typescript"
    tools.run(["npm", "ci", "--prefer-offline"], folder, env=env)
    return folder


@pytest.fixture(scope="module")
def project(sdk: Path, env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project that has the packed SDK and nothing else."""
    folder = tmp_path_factory.mktemp("project")
    tools.run(["npm", "pack", "--pack-destination", folder], sdk, env=env)
    [packed] = folder.glob("*.tgz")
    (folder / "package.json").write_text('{"private": true}\n')
    tools.run(["npm", "install", "--offline", "--no-audit", f"./{packed.name}"], folder, env=env)
    return folder


def test_it_passes_its_own_tests(sdk: Path, env: dict[str, str]) -> None:
    said = tools.run(["npm", "test"], sdk, env=env).stdout
    assert "fail 0" in said


def test_it_needs_nothing_else(sdk: Path, project: Path) -> None:
    described = json.loads((sdk / "package.json").read_text())
    assert not set(described) & {"dependencies", "peerDependencies", "optionalDependencies"}
    there = {one.name for one in (project / "node_modules").iterdir()}
    assert there <= {"@tenlyr", ".package-lock.json"}


@pytest.mark.parametrize(("name", "program"), [("use.mjs", ESM), ("use.cjs", CJS)])
def test_an_empty_project_uses_it(
    project: Path, env: dict[str, str], name: str, program: str
) -> None:
    (project / name).write_text(program)
    assert tools.run(["node", name], project, env=env).stdout == "true 401\n"


@pytest.mark.parametrize("module", ["nodenext", "es2022", "commonjs"])
def test_a_strict_compiler_takes_its_types(
    sdk: Path, project: Path, env: dict[str, str], module: str
) -> None:
    (project / "typed.ts").write_text(TYPED)
    resolution = {"nodenext": "nodenext", "es2022": "bundler", "commonjs": "node10"}[module]
    tools.run(
        [
            *("node", sdk / "node_modules" / "typescript" / "bin" / "tsc", "--strict", "--noEmit"),
            *("--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom"),
            *("--module", module, "--moduleResolution", resolution, "typed.ts"),
        ],
        project,
        env=env,
    )
