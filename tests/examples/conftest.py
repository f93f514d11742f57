"""The examples are scripts, not a package: their folder is what Python puts on its path."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.scripted_server import ScriptedServer

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that fails on command, which a real Tenlyr does not."""
    with ScriptedServer() as server:
        yield server
