"""Tenants in the Django admin: to read, to suspend through the verbs, to publish a plan."""

from typing import Any

from django.test import Client

from apps.audit.models import AuditEntry
from apps.tenants import lifecycle
from apps.tenants.models import DeletionCertificate, PlanVersion, Tenant
from apps.workspaces.models import Operator
from tests.cast import Customer, email

LIST = "/admin/tenants/tenant/"


def act(browser: Client, action: str, *tenants: Customer) -> Any:
    chosen = {"action": action, "_selected_action": [str(tenant.id) for tenant in tenants]}
    return browser.post(LIST, chosen, follow=True)


def test_tenants_are_listed_found_and_shown(browser: Client, acme: Customer) -> None:
    assert acme.body["ownerEmail"] in browser.get(LIST, {"q": str(acme.id)}).content.decode()
    page = browser.get(f"{LIST}{acme.id}/change/").content.decode()
    assert "Acme Corp" in page
    assert 'name="_save"' not in page


def test_nobody_adds_or_deletes_one_by_hand(browser: Client, acme: Customer) -> None:
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}{acme.id}/delete/", {"post": "yes"}).status_code == 403
    assert Tenant.objects.filter(pk=acme.id).exists()


def test_suspending_goes_through_the_verb_and_names_the_operator(
    browser: Client, operator: Operator, acme: Customer, globex: Customer
) -> None:
    lifecycle.suspend(workspace_id=globex.workspace.id, tenant_id=globex.id)
    page = act(browser, "suspend", acme, globex).content.decode()
    assert "1 suspended." in page
    assert "Globex: The tenant is suspended already." in page
    assert Tenant.objects.get(pk=acme.id).status == "suspended"
    entry = AuditEntry.objects.filter(tenant_id=acme.id).latest("seq")
    assert entry.body["action"] == "tenant.suspended"
    assert (entry.body["actorType"], entry.body["actorId"]) == ("operator", str(operator.pk))
    act(browser, "reactivate", acme)
    assert Tenant.objects.get(pk=acme.id).status == "active"


def test_who_may_only_look_may_not_suspend(acme: Customer) -> None:
    from django.contrib.auth.models import Permission

    address = email()
    viewer = Operator.objects.create_user(address, address, "x" * 12, is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_tenant"))
    browser = Client(headers={"host": "localhost"})
    browser.force_login(viewer)
    assert browser.get(LIST).status_code == 200
    act(browser, "suspend", acme)
    assert Tenant.objects.get(pk=acme.id).status == "active"


def test_a_new_version_of_a_plan_is_published(browser: Client, acme: Customer) -> None:
    limits = '{"api_call": {"limit": 7, "strict": true}}'
    form = {"workspace": acme.workspace.id, "name": "growth", "price_cents": 500, "limits": limits}
    assert browser.post("/admin/tenants/planversion/add/", form).status_code == 302
    version = PlanVersion.objects.get(workspace_id=acme.workspace.id)
    assert (version.version, version.price_cents) == (1, 500)
    page = browser.get(f"/admin/tenants/planversion/{version.pk}/change/").content.decode()
    assert 'name="_save"' not in page
    entry = AuditEntry.objects.filter(workspace_id=acme.workspace.id).latest("seq")
    assert (entry.body["action"], entry.body["actorType"]) == ("plan.published", "operator")


def test_limits_that_cannot_be_read_are_named_in_the_form(browser: Client, acme: Customer) -> None:
    form = {
        "workspace": acme.workspace.id,
        "name": "growth",
        "price_cents": 1,
        "limits": '{"a": 1}',
    }
    page = browser.post("/admin/tenants/planversion/add/", form)
    assert page.status_code == 200
    assert "no such metric: a" in page.content.decode()


def test_certificates_are_shown(browser: Client, acme: Customer) -> None:
    lifecycle.delete(workspace_id=acme.workspace.id, tenant_id=acme.id)
    assert DeletionCertificate.objects.filter(pk=acme.id).exists()
    page = browser.get("/admin/tenants/deletioncertificate/").content.decode()
    assert str(acme.id) in page
