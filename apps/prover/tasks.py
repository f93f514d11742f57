"""Background work of the prover: thin, idempotent (R8)."""

from typing import Any
from uuid import UUID

from celery import shared_task

from apps.prover import paths, proving, requesting


@shared_task(name="prover.prove")
def prove() -> int:
    """Make the proofs that wait; also the sweep, for what a crash or an absent broker left."""
    return proving.prove_all()


@shared_task(name="prover.nightly")
def nightly() -> int:
    """Ask for a proof of every workspace."""
    return requesting.nightly()


@shared_task(name="prover.attack")
def attack(tenant_id: str, prey: dict[str, Any]) -> list[list[str]]:
    """One of the attacks: as any app's task would work, told of its tenant by a text."""
    return paths.attack_as_task(UUID(tenant_id), prey)
