"""Workspaces in the Django admin: a key is shown once, revoked, never edited (A4, A12)."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.audit.models import AuditEntry
from apps.workspaces.models import AdminKey, Operator, Workspace
from tenlyr.core import audit
from tests import cast
from tests.cast import Account, Api

NO_MEMBERS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
PEOPLE = "/admin/workspaces/operator/"


@pytest.fixture
def browser() -> Client:
    """A signed-in superuser."""
    operator, _ = Operator.objects.get_or_create(
        username="tests@tenlyr.local", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(operator)
    return client


def test_a_new_key_is_shown_once_and_works(browser: Client, workspace: Account, api: Api) -> None:
    form = {"workspace": str(workspace.id), "name": "from the admin"}
    page = browser.post("/admin/workspaces/adminkey/add/", form, follow=True)
    shown = re.search(r"tenlyr_live_tf_[0-9A-Za-z]{46}", page.content.decode())
    assert shown is not None
    assert api.get("/api/v1/tenants", key=shown[0]).status == 200
    again = browser.get("/admin/workspaces/adminkey/")
    assert shown[0] not in again.content.decode()
    assert shown[0][:16] in again.content.decode()


def test_a_key_is_revoked_from_the_list(browser: Client, workspace: Account, api: Api) -> None:
    row = AdminKey.objects.get(workspace_id=workspace.id)
    form = {"action": "revoke", "_selected_action": [str(row.id)]}
    browser.post("/admin/workspaces/adminkey/", form)
    assert api.get("/api/v1/tenants", key=workspace.key).status == 401


@pytest.mark.parametrize("act", ["change", "delete"])
def test_a_key_is_not_edited_or_deleted(browser: Client, workspace: Account, act: str) -> None:
    row = AdminKey.objects.get(workspace_id=workspace.id)
    assert browser.post(f"/admin/workspaces/adminkey/{row.id}/{act}/").status_code == 403


def test_workspaces_and_people_are_listed(browser: Client, workspace: Account) -> None:
    name = Workspace.objects.get(pk=workspace.id).name
    assert name in browser.get("/admin/workspaces/workspace/?all=").content.decode()
    assert browser.get("/admin/workspaces/operator/").status_code == 200


def test_strangers_see_the_login_only() -> None:
    answer = Client(headers={"host": "localhost"}).get("/admin/workspaces/adminkey/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def told(workspace_id: UUID, target: Any) -> list[tuple[str, str]]:
    """What is on a trail about something: each act, and by what kind of caller."""
    rows = AuditEntry.objects.filter(workspace_id=workspace_id).order_by("seq")
    found = [row.body for row in rows]
    return [(one["action"], one["actorType"]) for one in found if one["target"] == str(target)]


def test_who_makes_and_revokes_a_key_is_named(browser: Client, workspace: Account) -> None:
    form = {"workspace": str(workspace.id), "name": "named"}
    browser.post("/admin/workspaces/adminkey/add/", form)
    key = AdminKey.objects.get(workspace_id=workspace.id, name="named")
    browser.post(
        "/admin/workspaces/adminkey/", {"action": "revoke", "_selected_action": [str(key.id)]}
    )
    acts = [("admin_key.created", "operator"), ("admin_key.revoked", "operator")]
    assert told(workspace.id, key.id) == acts


def test_a_workspaces_plan_is_changed_on_the_record(browser: Client) -> None:
    workspace = cast.workspace()
    page = f"/admin/workspaces/workspace/{workspace.id}/change/"
    browser.post(page, {"name": "Renamed", "plan": "starter", **NO_MEMBERS})
    assert Workspace.objects.get(pk=workspace.id).plan == "starter"
    assert told(workspace.id, workspace.id) == [("workspace.changed", "operator")]


@pytest.mark.parametrize("is_from_the_list", [False, True], ids=["its page", "the list"])
def test_a_workspace_without_keys_is_deleted_on_the_record(
    browser: Client, is_from_the_list: bool
) -> None:
    made = Workspace.objects.create(name="Never used", plan="starter")
    pages = "/admin/workspaces/workspace/"
    if is_from_the_list:
        chosen = {"action": "delete_selected", "_selected_action": [str(made.id)], "post": "yes"}
        browser.post(pages, chosen)
    else:
        browser.post(f"{pages}{made.id}/delete/", {"post": "yes"})
    assert not Workspace.objects.filter(pk=made.id).exists()
    assert told(made.id, made.id) == [("workspace.deleted", "operator")]


def test_one_with_a_key_is_not_deleted(browser: Client, workspace: Account) -> None:
    browser.post(f"/admin/workspaces/workspace/{workspace.id}/delete/", {"post": "yes"})
    assert Workspace.objects.filter(pk=workspace.id).exists()


def test_people_and_their_rights_are_on_the_installations_trail(browser: Client) -> None:
    secret = "a long enough passphrase"
    name = cast.email()
    twice = {"password1": secret, "password2": secret}
    browser.post(f"{PEOPLE}add/", {"username": name, "usable_password": "true", **twice})
    person = Operator.objects.get(username=name)
    browser.post(f"{PEOPLE}{person.pk}/password/", {"usable_password": "true", **twice})
    browser.post(
        PEOPLE, {"action": "delete_selected", "_selected_action": [person.pk], "post": "y"}
    )
    acts = [("operator.created", "operator"), ("operator.changed", "operator")]
    assert told(audit.INSTALLATION, person.pk) == [*acts, ("operator.deleted", "operator")]
    assert not AuditEntry.objects.filter(body__icontains=secret).exists()


def test_a_group_of_people_is_made_on_the_record(browser: Client) -> None:
    name = cast.email()
    browser.post("/admin/auth/group/add/", {"name": name})
    group = Group.objects.get(name=name)
    assert told(audit.INSTALLATION, group.pk)[-1] == ("group.created", "operator")
