"""Workspaces in the Django admin: a key is shown once, revoked, never edited (A4, A12)."""

import re

import pytest
from django.test import Client

from apps.workspaces.models import AdminKey, Operator, Workspace
from tests.cast import Account, Api


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
