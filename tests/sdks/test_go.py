"""The Go SDK from a clean checkout: its own tests, `go vet`, and a project with it (Done 2)."""

from pathlib import Path

import pytest

from tests.sdks import tools
from tests.sdks.checkout import checkout

MODULE = """module example.com/empty

go 1.23

require github.com/tenlyr/tenlyr-go v1.0.0

replace github.com/tenlyr/tenlyr-go => {sdk}
"""
PROGRAM = """package main

import (
	"context"
	"errors"
	"fmt"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

func main() {
	client := tenlyr.New(tenlyr.Config{APIKey: "no key"})
	_, err := client.Tenants.Get(context.Background(), "t")
	var refused *tenlyr.AuthenticationError
	fmt.Println(tenlyr.Version, errors.As(err, &refused))
}
"""

# A first run compiles, or fetches what it needs; a second one takes seconds.
pytestmark = pytest.mark.timeout(2 * tools.BOUND_S)


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    """Go, and nothing to fetch."""
    return tools.go(__name__)


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK as it is checked out."""
    return checkout(tmp_path_factory.mktemp("go")) / "go"


def test_it_passes_its_own_tests(sdk: Path, env: dict[str, str]) -> None:
    said = tools.run(["go", "test", "-count=1", "./..."], sdk, env=env).stdout
    assert said.startswith("ok")


def test_nothing_is_wrong_or_unformatted(sdk: Path, env: dict[str, str]) -> None:
    tools.run(["go", "vet", "./..."], sdk, env=env)
    assert tools.run(["gofmt", "-l", "."], sdk, env=env).stdout == ""


def test_it_needs_nothing_else(sdk: Path, env: dict[str, str]) -> None:
    modules = tools.run(["go", "list", "-m", "all"], sdk, env=env).stdout.split()
    assert modules == ["github.com/tenlyr/tenlyr-go"]


def test_an_empty_project_uses_it(sdk: Path, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text(MODULE.format(sdk=sdk))
    (tmp_path / "main.go").write_text(PROGRAM)
    assert tools.run(["go", "run", "."], tmp_path, env=env).stdout == "1.0.0 true\n"
