"""schemathesis with all checks against the running product finds nothing (Done 7)."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.house.routes import OPERATIONS
from tests.house.sources import ROOT

HERE = Path(__file__).parent
# On a busy machine; alone it takes a tenth.
BOUND_S, ANSWER_S = 600, 60
EXAMPLES = {"admin": 20, "tenant": 40, "billing": 20}
PATHS = {
    "admin": "^/api/v1/(alerts|dataplane|health|isolation|ratelimit|tenants|webhooks)",
    "tenant": "^/api/v1/usage",
    "billing": "^/api/v1/billing",
}


@pytest.fixture(scope="module")
def keys_of(product: Any) -> dict[str, str]:
    """A key of each kind."""
    made = httpx.post(
        urljoin(product.url, "/api/v1/tenants"),
        headers={"Authorization": f"Bearer {product.admin_key}"},
        json={"name": "Fuzzed", "ownerEmail": "fuzzed@example.com", "plan": "enterprise"},
        timeout=ANSWER_S,
    )
    assert made.status_code == 201
    tenant = made.json()["apiKey"]
    return {"admin": product.admin_key, "tenant": tenant, "billing": tenant}


@pytest.mark.timeout(BOUND_S + 30)
@pytest.mark.parametrize("kind", PATHS)
def test_all_checks_with_each_kind_of_key(
    product: Any, keys_of: dict[str, str], kind: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(HERE / "schemathesis.toml")),
            *("run", str(ROOT / "openapi.json"), "--url", product.url),
            *("--header", f"Authorization: Bearer {keys_of[kind]}"),
            *("--include-path-regex", PATHS[kind]),
            *("--checks", "all", "--max-examples", str(EXAMPLES[kind])),
            "--generation-deterministic",  # the same calls for the same document
            *("--continue-on-failure", "--no-color", "--warnings", "off"),
            *("--request-timeout", str(ANSWER_S)),
        ],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract.schemathesis_hooks"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    # A body of a megabyte would hide what was wrong with all others.
    told = "\n".join(line[:500] for line in done.stdout.splitlines())
    assert done.returncode == 0, told[-12_000:] + done.stderr[-1_000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) == sum(re.match(PATHS[kind], one.path) is not None for one in OPERATIONS)
