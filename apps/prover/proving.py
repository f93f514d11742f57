"""Making proofs, one at a time in the whole installation: attack, read, compare, sign, keep."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connections, transaction

from apps.isolation.public import Location
from apps.prover import decoys, paths, reports, selection, signing
from apps.prover.attacks import Outcome, Result, state_of
from apps.prover.models import Proof, Status
from apps.prover.paths import Tally
from apps.prover.selection import Cover
from tenlyr.core import audit, clock, events
from tenlyr.core.events import EventType

log = structlog.get_logger(__name__)

LOCK = 7_362_010
TRIES = 3
BROKEN_OFF = "It was begun several times and never came to its end."
# Of one proof's attacks; a task is ended after ten minutes.
BUDGET_S = 240
# Of one read of the catalogue.
STATEMENT_MS = 60_000
LOG_LEVEL = {Status.PASSED: logging.INFO, Status.INCOMPLETE: logging.WARNING}
Line = dict[str, Any]


def prove_all() -> int:
    """Make every proof that waits; answers how many. 0 where somebody else does it already."""
    made = 0
    with alone() as is_alone:
        while is_alone and (proof := _next()) is not None:
            prove(proof)
            made += 1
    return made


@contextmanager
def alone() -> Iterator[bool]:
    """Whether nobody else proves until the end of the block; what a crash left is removed then."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            yield False
            return
        try:
            # The reads of the catalogue are bounded too.
            cursor.execute(f"SET statement_timeout = {STATEMENT_MS}")
            decoys.sweep()
            yield True
        finally:
            cursor.execute("RESET statement_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def prove(proof: Proof, *, most: int | None = None) -> Proof:
    """Make one proof and keep it, whatever it finds; only inside `alone()`.

    `most` is how many dedicated Locations are attacked at most. Trouble that stays, such as a
    database that is away, makes the proof `broken` after three tries.
    """
    if proof.tries >= TRIES:  # each was killed: by its time limit, or with its process
        return _give_up(proof, BROKEN_OFF)
    proof.tries += 1
    proof.status, proof.started_at = Status.RUNNING, clock.now()
    proof.save(update_fields=["tries", "status", "started_at"])
    turn = Proof.objects.filter(workspace_id=proof.workspace_id).count()
    try:
        cover = selection.cover(proof.workspace_id, proof.focus, turn=turn, most=most)
        lines, unreached = _attack(cover, proof.workspace_id)
        report = reports.build(proof, cover, lines, unreached)
    except Exception as error:  # raised again until the last try; then the proof is told as broken
        if proof.tries < TRIES:
            raise
        log.exception("proof.broken", proof=str(proof.id))
        return _give_up(proof, _reason(error))
    return _keep(proof, report)


def _reason(error: Exception) -> str:
    """What a database said; of a mistake of ours only that the log has it."""
    if isinstance(error, DatabaseError):
        return " ".join(str(error).split())[:500]
    return f"An error that nobody foresaw ({type(error).__name__}): the log has it."


def _next() -> Proof | None:
    # One that is `running` while we are alone was left by a crash.
    return Proof.objects.filter(finished_at=None).order_by("tries", "created_at", "id").first()


def _attack(cover: Cover, workspace_id: UUID) -> tuple[list[Line], dict[str, str]]:
    """The lines of all attacks, and why a Location was not attacked."""
    lines: list[Line] = []
    unreached: dict[str, str] = {}
    end = time.monotonic() + BUDGET_S
    for location in cover.attacked:
        name = reports.name_of(location)
        if time.monotonic() > end:
            unreached[name] = f"no time left of {BUDGET_S} s"
            continue
        try:
            lines += _attack_one(location, workspace_id, name)
        except DatabaseError as error:
            log.warning("proof.location_unreached", location=name, reason=str(error)[:200])
            unreached[name] = f"{type(error).__name__} {state_of(error)}".strip()
    return lines, unreached


def _attack_one(location: Location, workspace_id: UUID, name: str) -> list[Line]:
    tally = Tally(name)
    with decoys.planted(location, workspace_id) as scene:
        for planted in scene.planted:
            if planted.refused:
                is_empty = planted.refused == decoys.NO_PARTITION
                outcome = Outcome.NOTHING if is_empty else Outcome.UNPROVEN
                refused = Result("plant", outcome, planted.refused)
                tally.add(str(planted.table), "decoy", [refused])
        paths.attack(scene, tally)
    return tally.lines


def _keep(proof: Proof, report: dict[str, Any]) -> Proof:
    """Sign the report and make the row final; what was found is told in the same transaction."""
    with transaction.atomic():
        last = Proof.objects.filter(workspace_id=proof.workspace_id, finished_at__isnull=False)
        proof.previous = last.exclude(report=None).order_by("-finished_at", "-id").first()
        report["previous"] = reports.link(proof.previous)
        envelope, totals = signing.seal(report), report["totals"]
        proof.status, proof.finished_at = Status(report["verdict"]), clock.now()
        proof.report, proof.digest = report, envelope["digest"]
        proof.signature, proof.public_key = envelope["signature"], envelope["publicKey"]
        proof.attacks, proof.unproven = totals["attacks"], totals["unproven"]
        proof.breaches, proof.defects = totals["breaches"], totals["defects"]
        proof.save()
        _tell(proof)
    return proof


def _give_up(proof: Proof, reason: str) -> Proof:
    with transaction.atomic():
        proof.status, proof.finished_at, proof.error = Status.BROKEN, clock.now(), reason
        proof.save()
        _tell(proof)
    return proof


def _tell(proof: Proof) -> None:
    """The event where something got through, the log, and the trail, which holds the digest."""
    counted: dict[str, Any] = {
        "attacks": proof.attacks,
        "breaches": proof.breaches,
        "defects": proof.defects,
    }
    if proof.status == Status.FAILED:
        events.emit(
            EventType.PROOF_FAILED,
            workspace_id=proof.workspace_id,
            tenant_id=None,
            data={"proofId": str(proof.id), "digest": proof.digest, **counted},
        )
    level = LOG_LEVEL.get(Status(proof.status), logging.ERROR)
    log.log(level, "proof.finished", proof=str(proof.id), status=proof.status, **counted)
    audit.record(
        "isolation.proved",
        workspace_id=proof.workspace_id,
        target=str(proof.id),
        result="ok" if proof.status == Status.PASSED else proof.status,
        cause=proof.cause,
        digest=proof.digest,
        unproven=proof.unproven,
        **counted,
    )
