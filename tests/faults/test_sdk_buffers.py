"""Each SDK's buffer while the server is killed, in short: each event is stored once (Done 5).

`python -m tests.faults.sdks` is the long form.
"""

from collections.abc import Callable

import pytest

from tests.faults.sdks.driver import CLIENTS, Form
from tests.faults.sdks.scene import Plan, run
from tests.faults.target import Target
from tests.sdks import tools
from tests.sdks.installed import Installed


@pytest.mark.timeout(3 * tools.BOUND_S)
def test_each_event_is_stored_once_when_the_server_is_killed(
    target: Target, install: Callable[[str], Installed]
) -> None:
    installed = {client: install(language) for client, language in CLIENTS.items()}
    form = Form(max_events=400, flush_events=100, flush_ms=200)
    reports = run(target, installed, Plan(2_000, ["web"], form))
    assert [report.violations for report in reports] == [[]] * len(CLIENTS)
    for report in reports:
        assert report.facts["stored"] == report.facts["distinct ids stored"] == 2_000
        assert report.facts["most held"] == 400
