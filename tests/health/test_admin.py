"""Alerts in the Django admin: to read, and to resolve through the verb."""

from django.test import Client

from apps.audit.models import AuditEntry
from apps.health import alerting, notifying, sealing
from apps.health.models import Channel
from apps.workspaces.models import Operator
from tests.cast import Account, Customer
from tests.health.alarms import raised

ALERTS, CHANNELS, MESSAGES = (f"/admin/health/{name}/" for name in ("alert", "channel", "message"))


def test_an_operator_resolves(
    browser: Client, operator: Operator, acme: Customer, globex: Customer
) -> None:
    open_one, resolved = raised(acme), raised(globex)
    alerting.resolve(workspace_id=resolved.workspace_id, alert_id=resolved.id)
    chosen = {"action": "resolve", "_selected_action": [str(open_one.id), str(resolved.id)]}
    assert "2 resolved." in browser.post(ALERTS, chosen, follow=True).content.decode()
    open_one.refresh_from_db()
    assert (open_one.status, open_one.resolved_by) == ("resolved", "operator")
    entry = AuditEntry.objects.filter(tenant_id=acme.id).latest("seq").body
    assert (entry["action"], entry["actorId"]) == ("alert.resolved", str(operator.pk))


def test_all_is_listed_shown_and_changed_by_nobody(browser: Client, workspace: Account) -> None:
    alert = raised(workspace)
    channel = Channel.objects.create(
        workspace_id=workspace.id,
        kind="slack",
        shown="https://chat.example/…",
        sealed=sealing.sealed("https://chat.example/secret", ""),
        is_enabled=False,
    )
    message = notifying.test(channel)
    for place, row in ((ALERTS, alert), (CHANNELS, channel), (MESSAGES, message)):
        assert str(row.pk) in browser.get(place, {"q": str(row.pk)}).content.decode()
        page = browser.get(f"{place}{row.pk}/change/")
        assert page.status_code == 200
        assert 'name="_save"' not in page.content.decode()
        assert "secret" not in page.content.decode()
        assert browser.get(f"{place}add/").status_code == 403
    channel.delete()
