"""Each SDK built, packed and installed into an empty project, in which programs run."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.sdks import tools
from tests.sdks.checkout import checkout

PROGRAMS = Path(__file__).parent / "programs"
MODULE = """module example.com/empty

go 1.23

require github.com/tenlyr/tenlyr-go v1.0.0

replace github.com/tenlyr/tenlyr-go => {sdk}
"""


@dataclass(frozen=True)
class Installed:
    """An SDK as it is checked out, and a project that has it installed."""

    language: str
    ending: str
    sdk: Path
    project: Path
    env: dict[str, str]
    command: Callable[[Path], list[str | Path]]

    def run(self, program: str, **env: str) -> str:
        """Run a program of `programs` in the project; what it printed."""
        return self.run_file(PROGRAMS / f"{program}{self.ending}", **env)

    def run_file(self, source: Path, **env: str) -> str:
        """Run any program in the project; what it printed."""
        return tools.run(self.ready(source), self.project, env={**self.env, **env}).stdout

    def ready(self, source: Path) -> list[str | Path]:
        """The command that runs a program, after bringing it into the project."""
        folder = self.project / source.stem
        folder.mkdir(exist_ok=True)
        return self.command(Path(shutil.copy(source, folder)))


def typescript(folder: Path) -> Installed:
    """`npm ci`, `npm pack`, `npm install` of what was packed."""
    env = tools.node("the TypeScript SDK")
    sdk, project = checkout(folder) / "typescript", folder / "project"
    project.mkdir()
    tools.install_compiler(sdk, env, "the TypeScript SDK")
    tools.run(["npm", "pack", "--pack-destination", project], sdk, env=env)
    [packed] = project.glob("*.tgz")
    (project / "package.json").write_text('{"private": true}\n')
    tools.run(["npm", "install", "--offline", "--no-audit", f"./{packed.name}"], project, env=env)
    return Installed("typescript", ".mjs", sdk, project, env, lambda path: ["node", path])


def python(folder: Path) -> Installed:
    """`python -m build`, `pip install` of the wheel."""
    env = tools.python("the Python SDK")
    sdk, project = checkout(folder) / "python", folder / "project"
    project.mkdir()
    tools.run(
        [sys.executable, "-m", "build", "-n", "--outdir", project / "built", "."], sdk, env=env
    )
    [wheel] = (project / "built").glob("*.whl")
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    tools.run([sys.executable, *install, project / "site", wheel], project)
    used = tools.environment(PYTHONPATH=str(project / "site"))
    return Installed("python", ".py", sdk, project, used, lambda path: [sys.executable, path])


def go(folder: Path) -> Installed:
    """A module that requires the SDK, compiled once per program."""
    env = tools.go("the Go SDK")
    sdk, project = checkout(folder) / "go", folder / "project"
    project.mkdir()
    (project / "go.mod").write_text(MODULE.format(sdk=sdk))

    def command(path: Path) -> list[str | Path]:
        binary = path.with_suffix("")
        tools.run(["go", "build", "-o", binary, path], project, env=env)
        return [binary]

    return Installed("go", ".go", sdk, project, env, command)


BY_LANGUAGE = {"typescript": typescript, "python": python, "go": go}
