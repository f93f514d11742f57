"""The Go SDK from a clean checkout: its own tests, `go vet`, and a project with it (Done 2)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sdks import tools
from tests.sdks.installed import Installed

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
def go(install: Callable[[str], Installed]) -> Installed:
    """The SDK as it is checked out, and a project that has it."""
    return install("go")


def test_it_passes_its_own_tests(go: Installed) -> None:
    said = tools.run(["go", "test", "-count=1", "-v", "./..."], go.sdk, env=go.env).stdout
    assert "--- PASS" in said
    assert "--- SKIP" not in said


def test_nothing_is_wrong_or_unformatted(go: Installed) -> None:
    tools.run(["go", "vet", "./..."], go.sdk, env=go.env)
    assert tools.run(["gofmt", "-l", "."], go.sdk, env=go.env).stdout == ""


def test_it_needs_nothing_else(go: Installed) -> None:
    modules = tools.run(["go", "list", "-m", "all"], go.sdk, env=go.env).stdout.split()
    assert modules == ["github.com/tenlyr/tenlyr-go"]


def test_an_empty_project_uses_it(go: Installed, tmp_path: Path) -> None:
    (tmp_path / "use.go").write_text(PROGRAM)
    assert go.run_file(tmp_path / "use.go") == "1.0.0 true\n"
