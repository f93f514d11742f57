"""What Postgres keeps of a key opens nothing (A12, T70, X8)."""

import pytest
from django.db import IntegrityError, transaction

from apps.workspaces.models import AdminKey
from tenlyr.core import keys
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import StoredKey, mint
from tests.cast import Account, Api


@pytest.mark.parametrize("kind", list(Kind))
def test_a_new_key_with_all_that_is_kept_of_it(kind: Kind) -> None:
    minted = mint(kind)
    assert keys.kind_of(minted.raw) is kind
    assert minted.digest == keys.digest(minted.raw)
    assert keys.verify(minted.verifier, minted.raw)
    assert minted.prefix == minted.raw[:16]


def test_a_given_key_is_taken() -> None:
    raw = keys.generate(Kind.ADMIN)
    assert mint(Kind.ADMIN, raw).raw == raw


def test_no_stored_value_authenticates(api: Api, workspace: Account) -> None:
    row = AdminKey.objects.get(workspace_id=workspace.id)
    stored = [row.verifier, row.prefix, bytes(row.digest).hex(), str(row.id), row.name]
    assert workspace.key not in str(stored)
    for value in stored:
        assert api.get("/api/v1/tenants", key=value).status == 401


def test_a_digest_exists_once(workspace: Account) -> None:
    row = AdminKey.objects.get(workspace_id=workspace.id)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdminKey.objects.create(
            workspace_id=workspace.id, digest=row.digest, verifier="x", prefix="x", name="copy"
        )


def test_both_kinds_are_stored_alike() -> None:
    kept = {field.name for field in StoredKey._meta.get_fields()}
    assert kept == {
        "id",
        "digest",
        "verifier",
        "prefix",
        "created_at",
        "expires_at",
        "revoked_at",
    }
    assert str(AdminKey(prefix="tenlyr_live_tf_4")) == "tenlyr_live_tf_4…"
