"""Admin keys: several per workspace, each with a name, each revoked alone (A4, X6)."""

from datetime import timedelta

import pytest
from django.db import transaction

from apps.audit.models import AuditEntry
from apps.workspaces import keys
from apps.workspaces.models import AdminKey, Workspace
from tenlyr.core import auth, clock, errors
from tenlyr.core.keys import Kind, digest, generate
from tenlyr.core.stored_key import mint
from tests.cast import Account, Api
from tests.core.transactions import undone


def second(workspace: Account) -> tuple[AdminKey, str]:
    """Another key of the workspace."""
    minted = mint(Kind.ADMIN)
    with transaction.atomic():
        row = keys.issue(Workspace.objects.get(pk=workspace.id), name="deploy", minted=minted)
    return row, minted.raw


def test_both_open_the_same_workspace(api: Api, workspace: Account) -> None:
    row, raw = second(workspace)
    assert api.get("/api/v1/tenants", key=raw).status == 200
    assert api.get("/api/v1/tenants", key=workspace.key).status == 200
    assert (row.name, row.prefix) == ("deploy", raw[:16])


def test_one_is_revoked_and_the_other_lives_on(api: Api, workspace: Account) -> None:
    row, raw = second(workspace)
    assert api.get("/api/v1/tenants", key=raw).status == 200
    keys.revoke(row)
    answer = api.get("/api/v1/tenants", key=raw)
    assert (answer.status, answer.body["code"]) == (401, "key_revoked")
    assert api.get("/api/v1/tenants", key=workspace.key).status == 200


def test_revoking_twice_keeps_the_first_moment(workspace: Account) -> None:
    row, _ = second(workspace)
    keys.revoke(row)
    row.refresh_from_db()
    first = row.revoked_at
    keys.revoke(row)
    row.refresh_from_db()
    assert row.revoked_at == first


def test_the_trail_names_the_key_and_never_shows_it(workspace: Account) -> None:
    row, raw = second(workspace)
    keys.revoke(row)
    bodies = [
        entry.body for entry in AuditEntry.objects.filter(workspace_id=workspace.id).order_by("seq")
    ]
    assert [body["action"] for body in bodies[-2:]] == ["admin_key.created", "admin_key.revoked"]
    assert [body["target"] for body in bodies[-2:]] == [str(row.id)] * 2
    assert raw not in str(bodies)


def test_issuing_and_its_record_are_one(workspace: Account) -> None:
    minted = mint(Kind.ADMIN)
    with undone():
        keys.issue(Workspace.objects.get(pk=workspace.id), name="x", minted=minted)
    assert keys.load(minted.digest) is None
    assert not AuditEntry.objects.filter(workspace_id=workspace.id, body__details__name="x")


def test_loading_gives_the_caller_with_the_current_epoch(workspace: Account) -> None:
    before = keys.load(digest(workspace.key))
    assert before is not None
    row, _ = second(workspace)
    keys.revoke(row)
    after = keys.load(digest(workspace.key))
    assert after is not None
    assert after.principal.epoch == before.principal.epoch + 1
    assert after.principal.subject == after.principal.workspace_id == workspace.id
    assert (after.principal.kind, after.principal.tenant_id) == (Kind.ADMIN, None)


def test_an_unknown_key_loads_nothing() -> None:
    assert keys.load(digest(generate(Kind.ADMIN))) is None


def test_an_expired_key_is_refused(workspace: Account, api: Api) -> None:
    row, raw = second(workspace)
    AdminKey.objects.filter(pk=row.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    auth.forget_everything()
    with pytest.raises(errors.KeyRevoked):
        auth.resolve(raw, "127.0.0.1")
    assert api.get("/api/v1/tenants", key=raw).status == 401
