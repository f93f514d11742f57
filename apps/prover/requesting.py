"""Asking for a proof: a row that waits, in the transaction of whatever made it due."""

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.isolation import public as isolation
from apps.prover.errors import ProofInProgress
from apps.prover.models import Cause, Proof
from apps.workspaces.public import Workspace
from tenlyr.core import audit, tasks
from tenlyr.core.events import Event, EventType


def ask(workspace_id: UUID) -> Proof:
    """A proof for an operator who asked; raises `ProofInProgress` while one is not finished."""
    waiting = Proof.objects.filter(workspace_id=workspace_id, cause=Cause.API, finished_at=None)
    if waiting.exists():
        raise ProofInProgress()
    try:
        with transaction.atomic():
            proof = wanted(workspace_id, Cause.API)
            audit.record("isolation.proof_asked", workspace_id=workspace_id, target=str(proof.id))
    except IntegrityError as error:
        raise ProofInProgress(internal="asked for at the same moment") from error
    return proof


def wanted(workspace_id: UUID, cause: Cause, focus: Sequence[int] = ()) -> Proof:
    """A row that waits for the prover; `focus` are Locations that it must attack."""
    proof = Proof.objects.create(workspace_id=workspace_id, cause=cause, focus=list(focus))
    tasks.after_commit("prover.prove")
    return proof


def nightly() -> int:
    """One proof for each workspace; answers how many. A second beat on the same night adds none."""
    ids = Workspace.objects.order_by("id").values_list("id", flat=True)
    waiting = Proof.objects.filter(cause=Cause.NIGHTLY, finished_at=None)
    due = sorted(set(ids) - set(waiting.values_list("workspace_id", flat=True)))
    with transaction.atomic():
        for workspace_id in due:
            wanted(workspace_id, Cause.NIGHTLY)
    return len(due)


def after_move(event: Event) -> None:
    """A tenant has moved: where it is now must be as tight as where it was."""
    if event.type is not EventType.MIGRATION_COMPLETED or event.tenant_id is None:
        return
    focus = [location.id for location in isolation.group([event.tenant_id])]
    wanted(event.workspace_id, Cause.MOVE, focus)
