"""What a proof covers: which Locations concern a workspace, and which of them are attacked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.conf import settings

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.prover import targets
from apps.tenants import public as tenants

CHUNK = 5_000
# A third of the places under attack is for the newest Locations, the rest goes round.
NEWEST = 3


@dataclass(frozen=True, slots=True)
class Cover:
    """The Locations of a proof: all have their catalogue read, some are attacked too."""

    attacked: tuple[Location, ...]
    read_only: tuple[Location, ...]

    @property
    def all(self) -> tuple[Location, ...]:
        return self.attacked + self.read_only


def cover(workspace_id: UUID, focus: Sequence[int], *, turn: int, most: int | None = None) -> Cover:
    """Of a workspace: the shared schema, its tenants' Locations, and one that waits for a tenant.

    `focus` is attacked in any case, then `most` at most; `turn` counts the proofs before this one,
    so that each Location comes to be attacked in time.
    """
    found = isolation.locations()
    shared = [one for one in found if one.schema == settings.SHARED_SCHEMA]
    own = set(_of_tenants(workspace_id))
    dedicated = [one for one in found if one in own and one not in shared]
    waiting = isolation.unclaimed()[:1]
    ranked = [one for one in dedicated if one.id in focus]
    room = settings.PROOF_LOCATIONS if most is None else most
    ranked += _chosen([one for one in dedicated if one.id not in focus], turn, room - len(ranked))
    attacked = (*shared, *ranked, *waiting)
    rest = tuple(one for one in dedicated if one not in attacked)
    return Cover(attacked, rest)


def schemas_of(location: Location, workspace_id: UUID) -> list[str]:
    """The Location's own schema, and those that the targets have beside it."""
    found = [location.schema]
    for target in targets.targets():
        found += target.schemas(location, workspace_id)
    return found


def _chosen(dedicated: list[Location], turn: int, room: int) -> list[Location]:
    if room <= 0:
        return []
    if len(dedicated) <= room:
        return dedicated
    newest = dedicated[-max(room // NEWEST, 1) :]
    older = dedicated[: -len(newest)]
    places = room - len(newest)
    start = turn * places % len(older)
    return newest + (older + older)[start : start + places]


def _of_tenants(workspace_id: UUID) -> Iterator[Location]:
    rows = tenants.Tenant.objects.filter(workspace_id=workspace_id).order_by("id")
    ids = rows.values_list("id", flat=True).iterator(chunk_size=CHUNK)
    while some := list(islice(ids, CHUNK)):
        yield from isolation.group(some)
