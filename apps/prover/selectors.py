"""Reads of proofs, always of one workspace: another's is as unknown as one that never was."""

from typing import Any
from uuid import UUID

from apps.prover import comparing, signing
from apps.prover.comparing import Change
from apps.prover.errors import ProofNotFound
from apps.prover.models import Proof
from tenlyr.core import paging
from tenlyr.core.paging import Page

ROUTE = "proofs"


def get(workspace_id: UUID, proof_id: UUID) -> Proof:
    """One proof; raises `ProofNotFound`."""
    rows = Proof.objects.select_related("previous").filter(workspace_id=workspace_id)
    proof = rows.filter(pk=proof_id).first()
    if proof is None:
        raise ProofNotFound()
    return proof


def page(workspace_id: UUID, *, limit: int, cursor: str | None) -> Page:
    """A page of proofs without their reports, newest first; raises `InvalidCursor`."""
    rows = Proof.objects.filter(workspace_id=workspace_id).defer("report")
    return paging.newest_first(rows, place=f"{ROUTE}|{workspace_id}", limit=limit, cursor=cursor)


def envelope(proof: Proof) -> dict[str, Any] | None:
    """The signed report as it can be checked anywhere; None while there is none."""
    if proof.report is None:
        return None
    return {
        "report": proof.report,
        "digest": proof.digest,
        "algorithm": signing.ALGORITHM,
        "signature": proof.signature,
        "publicKey": proof.public_key,
    }


def changes(proof: Proof) -> list[Change]:
    """What is another than in the proof before, the first `comparing.MOST` of it."""
    if proof.report is None or proof.previous is None or proof.previous.report is None:
        return []
    return comparing.changes(proof.previous.report, proof.report)[: comparing.MOST]


def described(proof: Proof) -> dict[str, Any]:
    """A proof as one answer shows it: its columns, the signed report and what changed."""
    columns = {column.name: getattr(proof, column.attname) for column in proof._meta.fields}
    return {
        **columns,
        "proof": envelope(proof),
        "previous_id": proof.previous_id,
        "changes": changes(proof),
    }
