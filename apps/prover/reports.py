"""A proof's report: what was attacked and how it ended, what the catalogue says, what is wrong."""

from collections import Counter
from typing import Any
from uuid import UUID

from apps.isolation import public as isolation
from apps.isolation.public import Finding, Location
from apps.prover import facts, selection, signing
from apps.prover.attacks import Outcome
from apps.prover.models import Proof, Status
from apps.prover.selection import Cover
from tenlyr.core import clock

Line = dict[str, Any]


def build(
    proof: Proof, cover: Cover, lines: list[Line], unreached: dict[str, str]
) -> dict[str, Any]:
    """The report as it will be signed; everything in it is a text, a whole number or a list."""
    places = [
        (one.alias, schema)
        for one in cover.all
        for schema in selection.schemas_of(one, proof.workspace_id)
    ]
    found = _findings(cover, proof.workspace_id)
    totals = _totals(lines, len(found))
    return {
        "format": signing.FORMAT,
        "id": str(proof.id),
        "workspaceId": str(proof.workspace_id),
        "cause": str(proof.cause),
        "startedAt": clock.iso(proof.started_at or proof.created_at),
        "finishedAt": clock.iso(clock.now()),
        "verdict": _verdict(totals, unreached).value,
        "scope": {
            "attacked": [name for one in cover.attacked if (name := name_of(one)) not in unreached],
            "catalogueOnly": [name_of(one) for one in cover.read_only],
            "notReached": unreached,
        },
        "totals": totals,
        "findings": found,
        "attacks": lines,
        "catalogue": facts.read(dict.fromkeys(places), proof.workspace_id),
    }


def name_of(location: Location) -> str:
    """A Location as reports name it."""
    return f"{location.alias}/{location.schema}"


def link(previous: Proof | None) -> dict[str, str] | None:
    """What ties a report to the one before it."""
    return {"id": str(previous.id), "digest": previous.digest} if previous else None


def breaches(report: dict[str, Any]) -> list[str]:
    """Every attack that got through, as one line for people."""
    return [
        f"{line['location']} {line['table']}: {act} by {line['path']}: {said}"
        for line in report["attacks"]
        for act, said in line["acts"].items()
        if said.startswith(Outcome.SUCCEEDED)
    ]


def _findings(cover: Cover, workspace_id: UUID) -> list[dict[str, str]]:
    """The defects that concern the workspace: another's Locations are not its business."""
    ours = {schema for one in cover.all for schema in selection.schemas_of(one, workspace_id)}
    ours |= {one.schema for one in isolation.unclaimed()}
    foreign = {one.schema for one in isolation.locations()} - ours
    databases = {one.alias for one in cover.all}
    found = []
    for one in isolation.defects():
        database, name = _placed(one)
        schema = name.split(".")[0]
        is_foreign = schema in foreign or (schema.startswith(("op_", "d_")) and schema not in ours)
        if database in databases and not is_foreign:
            found.append({"database": database, "defect": one.defect, "object": name})
    return found


def _placed(defect: Finding) -> tuple[str, str]:
    """The database and the object of a defect: what is elsewhere is named with its database."""
    if defect.defect == "unreachable":
        return defect.object, defect.object
    database, _, name = defect.object.rpartition(": ")
    return database or "default", name


def _totals(lines: list[Line], defects: int) -> dict[str, int]:
    said = Counter(
        str(outcome).split(" ")[0] for line in lines for outcome in line["acts"].values()
    )
    return {
        "attacks": sum(said.values()),
        "refused": said[Outcome.REFUSED],
        "nothing": said[Outcome.NOTHING],
        "breaches": said[Outcome.SUCCEEDED],
        "unproven": said[Outcome.UNPROVEN],
        "defects": defects,
    }


def _verdict(totals: dict[str, int], unreached: dict[str, str]) -> Status:
    if totals["breaches"] or totals["defects"]:
        return Status.FAILED
    return Status.INCOMPLETE if totals["unproven"] or unreached else Status.PASSED
