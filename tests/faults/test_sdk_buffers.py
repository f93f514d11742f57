"""Each SDK's buffer while the server is killed, in short: each event is stored once (Done 5).

`python -m tests.faults.sdks` is the long form.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger
from tests.faults.sdks import wire
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


def test_a_wire_tells_what_was_sent_again_and_an_id_that_changed(tmp_path: Path) -> None:
    """The oracle of the other test: an SDK that made a new id for a resend would be found."""
    event = '{"metric":"api_call","value":2,"endpoint":"/faults/a-tenant/%d","id":"%s"}'
    tries = [f"> [{event % (0, 'x')},{event % (1, 'y')}]", f"> [{event % (1, 'y')}]"]
    changed = f"> [{event % (0, 'z')},{event % (2, 'w')}]"
    path, ledger = tmp_path / "wire", Ledger(tmp_path / "ledger.sqlite")
    path.write_text("\n".join([*tries, "< 503 0", changed, "< 200 1"]) + "\n")
    noted = wire.read(path, ledger)
    assert (noted.events, noted.tries, noted.resends, noted.duplicates) == (3, 3, 2, 1)
    assert noted.answers == {503: 1, 200: 1}
    assert noted.changed == ["/faults/a-tenant/0: x, then z"]
    assert ledger.ask("SELECT seq, tenant, id, micro, state FROM sent ORDER BY seq") == [
        (seq, "a-tenant", one, 2_000_000, "acked") for seq, one in enumerate("xyw")
    ]
    ledger.close()
