"""From a raw key to a caller, cache by cache (F3, X6, X8, T71, F81)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from apps.tenants import lifecycle
from apps.workspaces.models import AdminKey
from apps.workspaces.public import revoke_admin_key
from tenlyr.core import auth, clock, epochs, errors, keys, redis
from tenlyr.core.auth import Found
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint
from tests.cast import Account, Customer
from tests.core import outages
from tests.core.threads import closing, together
from tests.core.transactions import undone

pytestmark = pytest.mark.usefixtures("cold")
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every raw key for which the slow hash ran; there is no other way to see it from outside."""
    seen: list[str] = []
    verify = keys.verify

    def counted(stored: str, raw: str) -> bool:
        seen.append(raw)
        return verify(stored, raw)

    monkeypatch.setattr(keys, "verify", counted)
    return seen


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every digest for which Postgres was asked."""
    seen: list[bytes] = []
    for kind, loader in list(auth._loaders.items()):

        def counted(digest: bytes, loader: auth.Loader = loader) -> Found | None:
            seen.append(digest)
            return loader(digest)

        monkeypatch.setitem(auth._loaders, kind, counted)
    return seen


def entry(raw: str) -> str:
    """The name of a key's entry in Redis."""
    return redis.principal(keys.digest(raw))


class TestLayers:
    def test_postgres_knows_both_kinds(self, acme: Customer, address: str) -> None:
        admin = auth.resolve(acme.workspace.key, address)
        tenant = auth.resolve(acme.key, address)
        assert (admin.kind, admin.subject, admin.tenant_id) == (
            Kind.ADMIN,
            acme.workspace.id,
            None,
        )
        assert (tenant.kind, tenant.subject, tenant.tenant_id) == (Kind.TENANT, acme.id, acme.id)
        assert tenant.workspace_id == admin.workspace_id == acme.workspace.id
        assert tenant.limits == {"api_call": 100_000}

    def test_the_process_remembers_when_all_else_is_away(
        self, workspace: Account, address: str
    ) -> None:
        first = auth.resolve(workspace.key, address)
        with outages.redis_away(), outages.postgres_away():
            assert auth.resolve(workspace.key, address) is first

    def test_redis_remembers_for_a_process_that_does_not(
        self, acme: Customer, address: str, hashes: list[str]
    ) -> None:
        first = auth.resolve(acme.key, address)
        auth.forget_everything()
        with outages.postgres_away():
            assert auth.resolve(acme.key, address) == first
        assert hashes == [acme.key]
        assert 0 < redis.client().ttl(entry(acme.key)) <= 60

    def test_without_redis_postgres_decides(
        self, workspace: Account, address: str, redis_down: None
    ) -> None:
        assert auth.resolve(workspace.key, address).workspace_id == workspace.id

    def test_in_no_cache_and_no_postgres_is_no_answer_rather_than_a_wrong_one(
        self, workspace: Account, address: str
    ) -> None:
        from tenlyr.core.api import handler

        redis.client().delete(entry(workspace.key))
        with outages.postgres_away(), pytest.raises(Exception, match="connection") as raised:
            auth.resolve(workspace.key, address)
        assert handler.to_api_error(raised.value).status == 503

    def test_the_process_forgets_in_ten_seconds(
        self,
        workspace: Account,
        address: str,
        stopped: Callable[[ModuleType], list[float]],
        lookups: list[bytes],
    ) -> None:
        now = stopped(auth)
        auth.resolve(workspace.key, address)
        redis.client().delete(entry(workspace.key))
        now[0] += auth.LOCAL_TTL_S - 1
        auth.resolve(workspace.key, address)
        assert len(lookups) == 1
        now[0] += 2
        auth.resolve(workspace.key, address)
        assert len(lookups) == 2

    def test_the_process_remembers_no_more_than_it_may(
        self, workspace: Account, acme: Customer, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "LOCAL_ENTRIES", 1)
        auth.resolve(workspace.key, address)
        auth.resolve(acme.key, address)
        assert list(auth._local) == [keys.digest(acme.key)]


class TestTamperedRedis:
    def poison(self, raw: str, value: bytes) -> None:
        redis.client().set(entry(raw), value, ex=50)
        auth.forget_everything()

    def test_any_changed_byte_makes_postgres_decide(
        self, acme: Customer, address: str, lookups: list[bytes], logged: Lines
    ) -> None:
        good = auth.resolve(acme.key, address)
        value = redis.client().get(entry(acme.key))
        for position in range(0, len(value), 7):
            changed = bytearray(value)
            changed[position] ^= 1
            self.poison(acme.key, bytes(changed))
            assert auth.resolve(acme.key, address) == good
        assert len(lookups) == 1 + len(range(0, len(value), 7))
        assert "auth.cache_mac_failed" in {line["event"] for line in logged()}

    def test_an_entry_of_another_key_opens_nothing(
        self, acme: Customer, workspace: Account, address: str
    ) -> None:
        auth.resolve(workspace.key, address)
        self.poison(acme.key, redis.client().get(entry(workspace.key)))
        assert auth.resolve(acme.key, address).tenant_id == acme.id

    @pytest.mark.parametrize("value", [b"", b"x", b"x" * 16, b"x" * 400])
    def test_garbage_is_no_entry(self, acme: Customer, address: str, value: bytes) -> None:
        self.poison(acme.key, value)
        assert auth.resolve(acme.key, address).tenant_id == acme.id

    def test_an_entry_of_another_version_of_ours_is_no_entry(
        self, acme: Customer, address: str
    ) -> None:
        digest, packed = keys.digest(acme.key), b"\x81\xa4kind\xa5robot"
        self.poison(acme.key, auth._mac(digest, packed) + packed)
        assert auth.resolve(acme.key, address).tenant_id == acme.id

    def test_an_older_entry_put_back_is_stale(self, acme: Customer, address: str) -> None:
        auth.resolve(acme.key, address)
        old = redis.client().get(entry(acme.key))
        lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        self.poison(acme.key, old)
        with pytest.raises(errors.TenantSuspended):
            auth.resolve(acme.key, address)


class TestGarbage:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda raw: "",
            lambda raw: raw.lower(),
            lambda raw: raw[:-1] + ("0" if raw[-1] != "0" else "1"),
            lambda raw: raw.replace("tenlyr_live_", "tenlyr_test_"),
            lambda raw: raw.replace("tenlyr_live_", "tenlyr_live_tf_"),
            lambda raw: raw + "\x00",
            lambda raw: "é" * 60,
        ],
    )
    def test_no_checksum_no_question(
        self, acme: Customer, address: str, spoil: Callable[[str], str]
    ) -> None:
        refused = pytest.raises(errors.AuthenticationFailed)
        with outages.redis_away(), outages.postgres_away(), refused:
            auth.resolve(spoil(acme.key), address)

    def test_a_well_formed_key_that_is_nobodys_costs_no_slow_hash(
        self, address: str, hashes: list[str]
    ) -> None:
        for kind in Kind:
            with pytest.raises(errors.AuthenticationFailed):
                auth.resolve(keys.generate(kind), address)
        assert hashes == []

    def test_a_digest_without_its_hash_is_not_enough(
        self, workspace: Account, address: str
    ) -> None:
        AdminKey.objects.filter(workspace_id=workspace.id).update(
            verifier=mint(Kind.ADMIN).verifier
        )
        with pytest.raises(errors.AuthenticationFailed):
            auth.resolve(workspace.key, address)

    @pytest.mark.parametrize("kind", list(Kind))
    def test_a_key_of_the_other_kind_is_not_looked_for(
        self, acme: Customer, address: str, kind: Kind
    ) -> None:
        raw = keys.generate(kind)
        other = next(one for one in Kind if one is not kind)
        stored = mint(other, raw)
        AdminKey.objects.filter(workspace_id=acme.workspace.id).update(
            digest=stored.digest, verifier=stored.verifier
        )
        if kind is Kind.ADMIN:
            assert auth.resolve(raw, address).kind is Kind.ADMIN
        else:
            with pytest.raises(errors.AuthenticationFailed):
                auth.resolve(raw, address)


class TestSharedVerification:
    @pytest.mark.parametrize("with_redis", [True, False])
    def test_misses_at_the_same_time_hash_once(
        self, workspace: Account, address: str, hashes: list[str], with_redis: bool
    ) -> None:
        def resolve() -> auth.Principal:
            return auth.resolve(workspace.key, address)

        if with_redis:
            found = together([resolve] * 8)
        else:
            with outages.redis_away():
                found = together([resolve] * 8)
        assert len(hashes) == 1
        assert {one.workspace_id for one in found} == {workspace.id}

    def test_one_slow_key_does_not_hold_up_another(
        self, workspace: Account, acme: Customer, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inside, go_on = threading.Event(), threading.Event()
        load = auth._loaders[Kind.ADMIN]

        def slow(digest: bytes) -> Found | None:
            inside.set()
            assert go_on.wait(20)
            return load(digest)

        monkeypatch.setitem(auth._loaders, Kind.ADMIN, slow)
        auth.forget_everything()
        redis.client().delete(entry(workspace.key))
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(closing(auth.resolve), workspace.key, address)
            assert inside.wait(20)
            assert auth.resolve(acme.key, address).tenant_id == acme.id
            go_on.set()
            assert held.result(20).workspace_id == workspace.id


class TestRevocation:
    def test_at_once_where_it_was_done(self, acme: Customer, address: str) -> None:
        auth.resolve(acme.key, address)
        lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        with pytest.raises(errors.TenantSuspended):
            auth.resolve(acme.key, address)
        lifecycle.reactivate(workspace_id=acme.workspace.id, tenant_id=acme.id)
        assert auth.resolve(acme.key, address).tenant_id == acme.id
        lifecycle.terminate(workspace_id=acme.workspace.id, tenant_id=acme.id)
        with pytest.raises(errors.TenantTerminated):
            auth.resolve(acme.key, address)

    def test_a_revoked_admin_key(self, workspace: Account, address: str) -> None:
        auth.resolve(workspace.key, address)
        revoke_admin_key(AdminKey.objects.get(workspace_id=workspace.id))
        with pytest.raises(errors.KeyRevoked):
            auth.resolve(workspace.key, address)

    def test_a_revocation_that_was_rolled_back_revokes_nothing(
        self, acme: Customer, address: str
    ) -> None:
        auth.resolve(acme.key, address)
        with undone():
            lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        assert auth.resolve(acme.key, address).tenant_id == acme.id

    def test_a_key_in_grace_ends_on_time_from_every_cache(
        self, acme: Customer, address: str, lookups: list[bytes]
    ) -> None:
        minted = mint(Kind.TENANT)
        lifecycle.rotate_key(
            workspace_id=acme.workspace.id,
            tenant_id=acme.id,
            minted=minted,
            grace=timedelta(seconds=30),
        )
        assert auth.resolve(acme.key, address).tenant_id == acme.id
        with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
            with pytest.raises(errors.KeyRevoked):
                auth.resolve(acme.key, address)
            assert auth.resolve(minted.raw, address).tenant_id == acme.id
        assert len(lookups) == 2

    def test_a_slow_reader_cannot_bring_a_dead_key_back(
        self, acme: Customer, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The reader stops between Postgres and Redis, the key dies, the reader goes on (F81)."""
        has_read, go_on = threading.Event(), threading.Event()
        load = auth._loaders[Kind.TENANT]

        def slow(digest: bytes) -> Found | None:
            found = load(digest)
            has_read.set()
            assert go_on.wait(20)
            return found

        monkeypatch.setitem(auth._loaders, Kind.TENANT, slow)
        with ThreadPoolExecutor(1) as pool:
            reader = pool.submit(closing(auth.resolve), acme.key, address)
            assert has_read.wait(20)
            lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
            go_on.set()
            reader.result(20)
        assert redis.client().exists(entry(acme.key))
        with pytest.raises(errors.TenantSuspended):
            auth.resolve(acme.key, address)
        auth.forget_everything()
        with pytest.raises(errors.TenantSuspended):
            auth.resolve(acme.key, address)


class TestActingAs:
    def test_only_tenants_of_the_own_workspace(
        self, acme: Customer, stranger: Customer, address: str
    ) -> None:
        admin = auth.resolve(acme.workspace.key, address)
        assert auth.act_as(admin, acme.id).tenant == acme.id
        for foreign in (stranger.id, uuid4()):
            with pytest.raises(errors.CrossTenantViolation):
                auth.act_as(admin, foreign)


def test_a_call_is_noted_as_the_tenants_last(acme: Customer, address: str) -> None:
    epochs._touched.clear()
    auth.resolve(acme.workspace.key, address)
    assert epochs._touched == {}
    auth.resolve(acme.key, address)
    assert list(epochs._touched) == [acme.id]
