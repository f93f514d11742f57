"""The roll-out's API: begin it, watch it, hold it, let it go on; and what drifted."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.dataplane.api import rollout_serializers as serializers
from apps.dataplane.models import Rollout
from apps.dataplane.rollout import drift, planning, progress, steering
from tenlyr.core.api.permissions import AdminKey
from tenlyr.core.api.schema import documented
from tenlyr.core.api.serializers import NoFieldsSerializer
from tenlyr.core.api.views import ApiView


def shown(rollout: Rollout) -> dict[str, Any]:
    """A roll-out in the wire's form."""
    return dict(serializers.RolloutSerializer(progress.of(rollout)).data)


class RolloutView(ApiView):
    """The way of one version to every schema."""

    permission_classes = [AdminKey]

    @documented("dataplane.rollout", response=serializers.RolloutSerializer)
    def get(self, request: Request, version: int) -> Response:
        return Response(shown(progress.newest(self.principal.workspace_id, version)))

    @documented(
        "dataplane.startRollout",
        request=serializers.StartSerializer,
        response=serializers.RolloutSerializer,
        status=202,
        idempotent=True,
    )
    def post(self, request: Request, version: int) -> Response:
        data = self.read(serializers.StartSerializer)
        workspace_id = self.principal.workspace_id

        def run() -> dict[str, Any]:
            return shown(
                planning.start(
                    workspace_id=workspace_id,
                    version=version,
                    canaries=data["canary_tenant_ids"],
                    parallel=data["parallel"],
                    failure_budget=data["failure_budget"],
                )
            )

        return self.once(run, body=data, status=202)


class SteerView(ApiView):
    """What the views share that hold a roll-out, let it go on or end it."""

    permission_classes = [AdminKey]

    def steer(self, verb: Callable[[UUID, int], Rollout], version: int) -> Response:
        """Turn the roll-out and show it."""
        data = self.read(NoFieldsSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(lambda: shown(verb(workspace_id, version)), body=data)


class PauseView(SteerView):
    """Hold a roll-out."""

    @documented(
        "dataplane.pauseRollout",
        request=NoFieldsSerializer,
        response=serializers.RolloutSerializer,
        idempotent=True,
    )
    def post(self, request: Request, version: int) -> Response:
        return self.steer(steering.pause, version)


class ResumeView(SteerView):
    """Let a roll-out go on."""

    @documented(
        "dataplane.resumeRollout",
        request=NoFieldsSerializer,
        response=serializers.RolloutSerializer,
        idempotent=True,
    )
    def post(self, request: Request, version: int) -> Response:
        return self.steer(steering.resume, version)


class EndView(SteerView):
    """End a roll-out that is held or stopped."""

    @documented(
        "dataplane.endRollout",
        request=NoFieldsSerializer,
        response=serializers.RolloutSerializer,
        idempotent=True,
    )
    def post(self, request: Request, version: int) -> Response:
        return self.steer(steering.end, version)


class DriftView(ApiView):
    """What every schema holds beside what its release says."""

    permission_classes = [AdminKey]

    @documented("dataplane.drift", response=serializers.DriftSerializer)
    def get(self, request: Request) -> Response:
        found = drift.report(self.principal.workspace_id)
        return Response(serializers.DriftSerializer(found).data)
