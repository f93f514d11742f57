"""The proofs API: ask for one, list them, read one with its signed report."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.prover import requesting, selectors
from apps.prover.api import serializers
from apps.prover.models import Proof
from tenlyr.core import paging
from tenlyr.core.api.permissions import AdminKey
from tenlyr.core.api.schema import documented, page_parameters
from tenlyr.core.api.serializers import NoFieldsSerializer
from tenlyr.core.api.views import ApiView

LIMIT_DEFAULT, LIMIT_MOST = 50, 100
LIST_PARAMETERS = page_parameters("Proofs", default=LIMIT_DEFAULT, most=LIMIT_MOST)


class ProofsView(ApiView):
    """All proofs of the workspace."""

    permission_classes = [AdminKey]
    known_query = frozenset({"limit", "cursor"})

    @documented(
        "isolation.listProofs",
        response=serializers.ProofPageSerializer,
        parameters=LIST_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        page = selectors.page(
            self.principal.workspace_id,
            limit=paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST),
            cursor=query.get("cursor"),
        )
        found = {"data": page.rows, "next_cursor": page.next_cursor}
        return Response(serializers.ProofPageSerializer(found).data)

    @documented(
        "isolation.prove",
        request=NoFieldsSerializer,
        response=serializers.ProofSerializer,
        status=202,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        self.read(NoFieldsSerializer)
        return self.once(lambda: shown(requesting.ask(self.principal.workspace_id)), status=202)


class ProofView(ApiView):
    """One proof of the workspace."""

    permission_classes = [AdminKey]

    @documented("isolation.getProof", response=serializers.FullProofSerializer)
    def get(self, request: Request, proof_id: UUID) -> Response:
        proof = selectors.get(self.principal.workspace_id, proof_id)
        return Response(serializers.FullProofSerializer(selectors.described(proof)).data)


def shown(proof: Proof) -> dict[str, Any]:
    """A proof in the wire's form."""
    return dict(serializers.ProofSerializer(proof).data)
