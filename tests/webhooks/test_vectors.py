"""`vectors.json` is shared with every verifier that we ship, in any language (T43)."""

import json
from typing import Any

import pytest
import time_machine

from tests.webhooks import vectors
from tests.webhooks.verifiers import both_take


def test_the_file_is_current() -> None:
    assert vectors.FILE.read_text() == vectors.text(), "python -m tests.webhooks.vectors"


@pytest.mark.parametrize(
    "case", json.loads(vectors.FILE.read_text())["cases"], ids=lambda case: case["name"]
)
def test_both_libraries_agree_with_it(case: dict[str, Any]) -> None:
    with time_machine.travel(case["now"], tick=False):
        said = both_take(case["headers"], case["body"].encode(), case["secret"])
    assert said == (case["accepted"], case["accepted"])
