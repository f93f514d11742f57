"""What a caller can meet when it asks for proofs."""

from tenlyr.core.errors import NotFound, Refused


class ProofNotFound(NotFound):
    """Unknown, or another workspace's: the caller cannot tell which."""

    message = "Proof not found"


class ProofInProgress(Refused):
    """The workspace asked for a proof that is not finished yet (X62)."""

    code, message = "proof_in_progress", "A proof is being made; ask again when it is finished."


class BadProof(ValueError):
    """A file or id given on the command line is no proof, or its signature is not right."""
