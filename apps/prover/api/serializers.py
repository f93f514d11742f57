"""Bodies of the proofs API."""

from rest_framework import serializers

from apps.prover.models import Cause, Status
from tenlyr.core.api.serializers import MomentField, WireSerializer

STATUSES = [status.value for status in Status]
CAUSES = [cause.value for cause in Cause]


class ProofSerializer(WireSerializer):
    """A proof without its report."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(
        choices=STATUSES,
        help_text="`incomplete`: nothing got through, but not everything could be tried;"
        " `broken`: there is no result, `error` says why.",
    )
    cause = serializers.ChoiceField(choices=CAUSES)
    attacks = serializers.IntegerField(help_text="How many attacks were made.")
    breaches = serializers.IntegerField(help_text="How many of them got through.")
    unproven = serializers.IntegerField(help_text="How many could not be made.")
    defects = serializers.IntegerField(help_text="How many holes the catalogue has.")
    digest = serializers.CharField(help_text="SHA-256 of the report; empty until it is finished.")
    error = serializers.CharField()
    created_at = MomentField()
    started_at = MomentField(allow_null=True)
    finished_at = MomentField(allow_null=True)


class ProofPageSerializer(WireSerializer):
    """A page of proofs, the newest first."""

    data = ProofSerializer(many=True)  # type: ignore[assignment]  # the documents' name (B2)
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")


class SignedReportSerializer(WireSerializer):
    """A report with its signature: `manage.py prove --verify` checks it, or whoever has the key."""

    report = serializers.DictField()
    digest = serializers.CharField(help_text="SHA-256 of the canonical JSON of `report`.")
    algorithm = serializers.CharField()
    signature = serializers.CharField(help_text="Base64, over the canonical JSON of `report`.")
    public_key = serializers.CharField(source="publicKey", help_text="Base64, 32 bytes.")


class ChangeSerializer(WireSerializer):
    """One fact that is another than in the proof before."""

    path = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class FullProofSerializer(ProofSerializer):
    """A proof with its signed report, and what changed since the one before."""

    proof = SignedReportSerializer(allow_null=True)
    previous_id = serializers.UUIDField(allow_null=True)
    changes = ChangeSerializer(many=True, help_text="Since the previous proof; at most 500.")
