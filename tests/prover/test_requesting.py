"""Who asks for a proof, and when (A29)."""

from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from apps.isolation.public import Level, group, run_move, start_move
from apps.prover import proving, requesting
from apps.prover.errors import ProofInProgress
from apps.prover.models import Cause, Proof, Status
from apps.webhooks.catalogue import envelope
from tenlyr.core import events, ids
from tenlyr.core.events import EventType
from tests.cast import Account, Customer
from tests.tenants.support import at_once


def waiting(workspace_id: UUID) -> list[Proof]:
    return list(Proof.objects.filter(workspace_id=workspace_id, finished_at=None))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were to start."""
    names: list[str] = []

    def after_commit(task: str, *args: str, delay_s: float = 0.0) -> None:
        if task.startswith("prover."):  # others listen to the same events
            names.append(task)

    monkeypatch.setattr("apps.prover.requesting.tasks.after_commit", after_commit)
    return names


def test_an_operator_asks(workspace: Account, sent: list[str]) -> None:
    proof = requesting.ask(workspace.id)
    assert waiting(workspace.id) == [proof]
    assert (proof.cause, proof.status, sent) == (Cause.API, Status.PENDING, ["prover.prove"])


def test_one_at_a_time(workspace: Account, sent: list[str]) -> None:
    requesting.ask(workspace.id)
    with pytest.raises(ProofInProgress):
        requesting.ask(workspace.id)
    assert len(waiting(workspace.id)) == 1


def test_of_many_who_ask_at_once_one_is_heard(workspace: Account, sent: list[str]) -> None:
    results = at_once(8, lambda _: requesting.ask(workspace.id))
    made = [one for one in results if isinstance(one, Proof)]
    assert len(made) == 1
    assert sum(isinstance(one, ProofInProgress) for one in results) == 7


def test_another_workspace_is_not_kept_waiting(workspace: Account, sent: list[str]) -> None:
    requesting.ask(workspace.id)
    other = ids.uuid7()
    assert requesting.ask(other).workspace_id == other


def test_every_workspace_nightly_and_no_second_one(workspace: Account, sent: list[str]) -> None:
    requesting.nightly()
    assert [one.cause for one in waiting(workspace.id)] == [Cause.NIGHTLY]
    assert requesting.nightly() == 0
    assert len(waiting(workspace.id)) == 1


def test_a_finished_move_has_its_place_proved(
    workspace: Account, acme: Customer, globex: Customer, sent: list[str]
) -> None:
    [place] = group([globex.id])
    tell(EventType.MIGRATION_COMPLETED, workspace.id, globex.id)
    [proof] = waiting(workspace.id)
    assert (proof.cause, proof.focus, sent) == (Cause.MOVE, [place.id], ["prover.prove"])


@pytest.mark.parametrize("kind", [EventType.MIGRATION_STARTED, EventType.MIGRATION_FAILED])
def test_nothing_else_has(workspace: Account, acme: Customer, kind: EventType, sent: Any) -> None:
    tell(kind, workspace.id, acme.id)
    assert waiting(workspace.id) == []


def test_a_move_that_is_undone_asks_for_nothing(workspace: Account, acme: Customer) -> None:
    with transaction.atomic():
        tell(EventType.MIGRATION_COMPLETED, workspace.id, acme.id)
        transaction.set_rollback(True)
    assert waiting(workspace.id) == []


def tell(kind: EventType, workspace_id: UUID, tenant_id: UUID) -> None:
    with transaction.atomic():
        data = {**envelope(kind)["data"], "tenantId": str(tenant_id)}
        events.emit(kind, workspace_id=workspace_id, tenant_id=tenant_id, data=data)


def test_the_database_itself_refuses_a_second_one(workspace: Account, sent: list[str]) -> None:
    requesting.ask(workspace.id)
    with pytest.raises(IntegrityError, match="one_proof_asked_for"), transaction.atomic():
        Proof.objects.create(workspace_id=workspace.id, cause=Cause.API)


def test_a_real_move_has_its_new_place_attacked(workspace: Account, acme: Customer) -> None:
    with transaction.atomic():
        move = start_move(
            workspace_id=workspace.id, tenant_id=acme.id, target=Level.DEDICATED_SCHEMA
        )
    assert run_move(move.id).status == "completed"
    [proof] = waiting(workspace.id)
    with proving.alone():
        made = proving.prove(proof, most=0)
    [place] = group([acme.id])
    assert made.report is not None
    assert made.report["scope"]["attacked"][1] == f"default/{place.schema}"
    assert (made.cause, made.status) == (Cause.MOVE, Status.PASSED)
