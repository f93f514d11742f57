"""A POST happens once, whatever is lost on the way (X23, R7, T18, T19, B13)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection

from apps.workspaces.models import Workspace
from tenlyr.core import background, clock, errors, idempotency, ids, secrets
from tenlyr.core.idempotency import Answer, Call
from tenlyr.core.keys import Kind
from tenlyr.core.models import IdempotencyRecord
from tenlyr.core.principal import Principal
from tests.core.threads import closing, together
from tests.core.transactions import undone

ROUTE = "POST /api/v1/tenants"
BODY = {"name": "Acme", "plan": "growth"}


@pytest.fixture
def caller() -> Principal:
    """An admin of a workspace nobody else has."""
    workspace_id = uuid4()
    return Principal(Kind.ADMIN, uuid4(), workspace_id, workspace_id, 1)


@pytest.fixture
def name() -> Iterator[str]:
    """A name under which the effects of the test are found: rows of a workspace."""
    made = f"idempotency {ids.uuid7()}"
    yield made
    Workspace.objects.filter(name=made).delete()


def effect(name: str, body: Any = "done") -> Callable[[], Answer]:
    """An effect that can be counted, and its answer."""

    def run() -> Answer:
        made = Workspace.objects.create(name=name, plan="starter")
        return Answer(201, {"id": str(made.id), "said": body})

    return run


def effects(name: str) -> int:
    """How often it happened."""
    return Workspace.objects.filter(name=name).count()


class TestReplay:
    def test_the_second_answers_like_the_first_and_does_nothing(
        self, caller: Principal, name: str
    ) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")
        first = idempotency.once(call, effect(name))
        again = idempotency.once(call, effect(name, "something else"))
        assert (again.status, again.body) == (first.status, first.body)
        assert (first.replayed, again.replayed) == (False, True)
        assert effects(name) == 1

    def test_an_error_is_not_remembered_and_its_effect_is_undone(
        self, caller: Principal, name: str
    ) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")

        def fail() -> Answer:
            effect(name)()
            raise errors.Conflict()

        with pytest.raises(errors.Conflict):
            idempotency.once(call, fail)
        assert effects(name) == 0
        assert not idempotency.once(call, effect(name)).replayed
        assert effects(name) == 1

    def test_effect_and_memory_commit_together(self, caller: Principal, name: str) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")
        with undone():
            idempotency.once(call, effect(name))
        assert effects(name) == 0
        assert not idempotency.once(call, effect(name)).replayed

    def test_another_body_or_route_is_another_request(self, caller: Principal, name: str) -> None:
        idempotency.once(Call.of(caller, ROUTE, BODY, "k"), effect(name))
        with pytest.raises(errors.IdempotencyMismatch):
            idempotency.once(Call.of(caller, ROUTE, {"name": "B"}, "k"), effect(name))
        idempotency.once(Call.of(caller, "POST /other", BODY, "k"), effect(name))
        assert effects(name) == 2

    def test_the_order_of_fields_means_nothing(self, caller: Principal, name: str) -> None:
        idempotency.once(Call.of(caller, ROUTE, BODY, "k"), effect(name))
        turned = Call.of(caller, ROUTE, dict(reversed(BODY.items())), "k")
        assert idempotency.once(turned, effect(name)).replayed

    def test_a_key_belongs_to_its_caller(self, caller: Principal, name: str) -> None:
        tenant = uuid4()
        others = [
            Principal(Kind.ADMIN, uuid4(), workspace := uuid4(), workspace, 1),
            Principal(Kind.TENANT, uuid4(), caller.workspace_id, tenant, 1, tenant),
            caller.as_tenant(
                Principal(Kind.TENANT, uuid4(), caller.workspace_id, tenant, 1, tenant)
            ),
        ]
        for one in (caller, *others):
            assert not idempotency.once(Call.of(one, ROUTE, BODY, "k"), effect(name)).replayed
        assert effects(name) == 4


class TestAtTheSameTime:
    def test_one_runs_and_the_other_is_told(self, caller: Principal, name: str) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")
        inside, go_on = threading.Event(), threading.Event()

        def slow() -> Answer:
            inside.set()
            assert go_on.wait(20)
            return effect(name)()

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(closing(idempotency.once), call, slow)
            assert inside.wait(20)
            with pytest.raises(errors.IdempotencyInProgress):
                idempotency.once(call, effect(name))
            go_on.set()
            assert not first.result(20).replayed
        assert idempotency.once(call, effect(name)).replayed
        assert effects(name) == 1

    def test_of_sixteen_one_happens(self, caller: Principal, name: str) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")

        def one() -> str:
            try:
                return "replayed" if idempotency.once(call, effect(name)).replayed else "ran"
            except errors.IdempotencyInProgress:
                return "in progress"

        outcomes = together([one] * 16)
        assert outcomes.count("ran") == effects(name) == 1

    def test_different_keys_do_not_wait_for_each_other(self, caller: Principal, name: str) -> None:
        def outer() -> Answer:
            with ThreadPoolExecutor(1) as pool:
                other = Call.of(caller, ROUTE, BODY, "other")
                pool.submit(closing(idempotency.once), other, effect(name)).result(20)
            return effect(name)()

        idempotency.once(Call.of(caller, ROUTE, BODY, "k"), outer)
        assert effects(name) == 2


class TestTime:
    def test_after_24_hours_it_is_forgotten(self, caller: Principal, name: str) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")
        idempotency.once(call, effect(name))
        with time_machine.travel(clock.now() + timedelta(hours=23, minutes=59), tick=False):
            assert idempotency.once(call, effect(name)).replayed
        with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
            assert not idempotency.once(call, effect(name)).replayed

    def test_a_secret_is_shown_for_ten_minutes(self, caller: Principal, name: str) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")
        with time_machine.travel(clock.now(), tick=False) as now:
            idempotency.once(call, effect(name, "tenlyr_live_x"), holds_secret=True)
            now.shift(timedelta(minutes=9, seconds=59))
            again = idempotency.once(call, effect(name), holds_secret=True)
            assert again.body["said"] == "tenlyr_live_x"
            now.shift(timedelta(seconds=2))
            with pytest.raises(errors.SecretExpired) as raised:
                idempotency.once(call, effect(name), holds_secret=True)
        assert "rotate it" in raised.value.public
        assert effects(name) == 1

    def test_a_secret_that_another_hosts_clock_forgot_is_expired(
        self, caller: Principal, name: str
    ) -> None:
        """By our own clock it could still be shown."""
        call = Call.of(caller, ROUTE, BODY, "k")
        idempotency.once(call, effect(name), holds_secret=True)
        with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
            background.forget_idempotency()
        with pytest.raises(errors.SecretExpired):
            idempotency.once(call, effect(name), holds_secret=True)
        assert effects(name) == 1

    def test_an_answer_without_a_secret_that_cannot_be_read_is_no_expiry(
        self, caller: Principal, name: str
    ) -> None:
        call = Call.of(caller, ROUTE, BODY, "k")
        idempotency.once(call, effect(name))
        IdempotencyRecord.objects.filter(scope=call.scope).update(answer=b"")
        with pytest.raises(secrets.CannotDecrypt):
            idempotency.once(call, effect(name))

    def test_the_sweep_forgets_secrets_and_then_everything(
        self, caller: Principal, name: str
    ) -> None:
        secret, plain = (Call.of(caller, ROUTE, BODY, key) for key in ("secret", "plain"))
        idempotency.once(secret, effect(name), holds_secret=True)
        idempotency.once(plain, effect(name))
        mine = IdempotencyRecord.objects.filter(scope__in=[secret.scope, plain.scope])
        with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
            assert background.forget_idempotency() >= 1
            assert idempotency.once(plain, effect(name)).replayed
            with pytest.raises(errors.SecretExpired):
                idempotency.once(secret, effect(name), holds_secret=True)
        assert bytes(mine.get(scope=secret.scope).answer) == b""
        assert bytes(mine.get(scope=plain.scope).answer) != b""
        with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1), tick=False):
            background.forget_idempotency()
        assert not mine.exists()


class TestAtRest:
    def test_the_table_opens_nothing(self, caller: Principal, name: str) -> None:
        raw = "tenlyr_live_" + "a" * 46
        call = Call.of(caller, ROUTE, BODY, "the-clients-key")
        idempotency.once(call, effect(name, raw), holds_secret=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT r::text, answer FROM core_idempotencyrecord r WHERE scope = %s",
                [call.scope],
            )
            text, answer = cursor.fetchone()
        for hidden in (raw.encode().hex(), b"the-clients-key".hex(), raw):
            assert hidden not in text
        with pytest.raises(secrets.CannotDecrypt):
            secrets.unseal(bytes(answer), place=idempotency.PLACE)
        opened = secrets.unseal(bytes(answer), place=idempotency.PLACE, also=call.key)
        assert raw.encode() in opened


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\nb", "a\x7fb", "a\tb"])
def test_a_bad_key_is_refused(caller: Principal, key: str) -> None:
    with pytest.raises(errors.InvalidIdempotencyKey):
        Call.of(caller, ROUTE, BODY, key)


@pytest.mark.parametrize("key", ["x", "x" * 255, str(UUID(int=7)), "with spaces; and = signs"])
def test_a_good_key_is_not(caller: Principal, key: str) -> None:
    assert Call.of(caller, ROUTE, BODY, key).key == key.encode()
