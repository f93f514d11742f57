"""`manage.py prove`: attack the installation now; or check, show and compare proofs."""

from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.prover import comparing, proving, reports, selectors, signing
from apps.prover.errors import BadProof
from apps.prover.models import Cause, Proof, Status
from apps.workspaces.public import Workspace


class Command(BaseCommand):
    help = "Prove that no tenant reaches another's rows. Exit 1 when something got through."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", type=UUID, help="only this one; else every workspace")
        parser.add_argument(
            "--locations", type=int, metavar="N", help="attack at most N dedicated Locations"
        )
        parser.add_argument("--show", metavar="ID", help="print a kept proof as JSON")
        parser.add_argument("--verify", metavar="FILE", help="check a signed proof; - is stdin")
        parser.add_argument("--key", default="", help="for --verify: the public key to trust")
        parser.add_argument(
            "--compare", nargs=2, metavar=("A", "B"), help="what changed: ids or files"
        )
        parser.add_argument(
            "--public-key", action="store_true", help="print this installation's public key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["public_key"]:
                self.stdout.write(signing.public_key())
            elif options["verify"]:
                self._verify(options["verify"], options["key"])
            elif options["show"]:
                self.stdout.write(orjson.dumps(_envelope(options["show"])).decode())
            elif options["compare"]:
                self._compare(*options["compare"])
            else:
                self._prove(options["workspace"], options["locations"])
        except BadProof as error:
            raise CommandError(str(error)) from error

    def _verify(self, name: str, key: str) -> None:
        report = signing.check(_read(name), key=key)
        self.stdout.write(
            f"The signature is right: proof {report['id']}, {report['verdict']},"
            f" finished {report['finishedAt']}."
        )

    def _compare(self, before: str, after: str) -> None:
        both = [signing.check(_envelope(name)) for name in (before, after)]
        found = comparing.changes(*both)
        for one in found:
            self.stdout.write(f"{one.path}: {one.before or 'nothing'} -> {one.after or 'nothing'}")
        if not found:
            self.stdout.write("Nothing changed.")

    def _prove(self, workspace_id: UUID | None, most: int | None) -> None:
        workspaces = Workspace.objects.order_by("id")
        if workspace_id is not None:
            workspaces = workspaces.filter(pk=workspace_id)
        made = []
        with proving.alone() as is_alone:
            if not is_alone:
                raise CommandError(
                    "A proof is being made elsewhere. Try again when it is finished."
                )
            for workspace in workspaces:
                proof = Proof.objects.create(workspace_id=workspace.pk, cause=Cause.COMMAND)
                made.append(proving.prove(proof, most=most))
                self._say(made[-1])
        if not made:
            raise CommandError("No such workspace.")
        bad = [one for one in made if one.status in {Status.FAILED, Status.BROKEN}]
        if bad:
            raise CommandError(f"{len(bad)} of {len(made)} proofs failed")

    def _say(self, proof: Proof) -> None:
        report = proof.report or {}
        for finding in report.get("findings", ()):
            self.stdout.write(f"  {finding['defect']}: {finding['object']}")
        for line in reports.breaches(report) if report else ():
            self.stdout.write(f"  got through: {line}")
        self.stdout.write(
            f"{proof.id} {proof.status}: {proof.attacks} attacks, {proof.breaches} got through,"
            f" {proof.unproven} unproven, {proof.defects} defects. {proof.error}".rstrip()
        )


def _envelope(name: str) -> Any:
    """A proof by its id, or from a file."""
    try:
        proof_id = UUID(name)
    except ValueError:
        return _read(name)
    proof = Proof.objects.filter(pk=proof_id).first()
    found = selectors.envelope(proof) if proof else None
    if found is None:
        raise BadProof(f"There is no finished proof {proof_id}.")
    return found


def _read(name: str) -> Any:
    try:
        raw = Path("/dev/stdin" if name == "-" else name).read_bytes()
        return orjson.loads(raw)
    except (OSError, ValueError) as error:
        raise BadProof(f"{name} cannot be read as JSON.") from error
