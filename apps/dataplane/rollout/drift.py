"""Drift: schemas that do not hold what their release says, and in what they differ."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from apps.dataplane import names, selectors
from apps.dataplane.models import SchemaState
from apps.isolation import public as isolation

SQL = (Path(__file__).parents[1] / "sql" / "drift.sql").read_text()
MOST_SHOWN, MOST_FACTS = 50, 40

Facts = list[str] | None


@dataclass(frozen=True, slots=True)
class Drifted:
    """A schema that differs: facts of the release that it lacks, and facts of its own."""

    schema: str
    missing: list[str]
    added: list[str]


@dataclass(slots=True)
class Report:
    """The schemas of a workspace beside the shared one, which has the current release.

    `behind` have an older release and are not compared. `unreachable` lie in databases that did not
    answer. `drifted` shows the first ones; `drifted_total` counts all.
    """

    version: int
    checked: int = 0
    behind: int = 0
    unreachable: list[str] = field(default_factory=list)
    drifted: list[Drifted] = field(default_factory=list)
    drifted_total: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every schema was looked at, and each holds what its release says."""
        return not (self.drifted_total or self.unreachable)


def report(workspace_id: UUID) -> Report:
    """Compare every schema of the workspace with the shared one."""
    version = selectors.version_of(workspace_id)
    found = Report(version)
    if not version:
        return found
    model = names.shared_schema(workspace_id)
    digest, facts = _read("owner", [model], with_facts=True)[model]
    for alias, schemas in _by_alias(workspace_id, model, version, found).items():
        try:
            _compare(alias, schemas, digest, facts or [], found)
        except (DatabaseError, InterfaceError):
            found.unreachable += schemas
    return found


def _by_alias(workspace_id: UUID, model: str, version: int, found: Report) -> dict[str, list[str]]:
    aliases = {one.id: isolation.owner_alias(one.alias) for one in isolation.locations()}
    by_alias: dict[str, list[str]] = defaultdict(list)
    for state in SchemaState.objects.filter(workspace_id=workspace_id).exclude(schema=model):
        if state.version != version:
            found.behind += 1
        elif state.location_id in aliases:
            by_alias[aliases[state.location_id]].append(state.schema)
    return by_alias


def _compare(alias: str, schemas: list[str], digest: str, facts: list[str], found: Report) -> None:
    read = _read(alias, schemas, with_facts=False)
    found.checked += len(schemas)
    differ = [name for name in schemas if read.get(name, ("", None))[0] != digest]
    found.drifted_total += len(differ)
    shown = differ[: MOST_SHOWN - len(found.drifted)]
    known = set(facts)
    for name, (_, its_own) in _read(alias, shown, with_facts=True).items():
        own = set(its_own or [])
        missing, added = sorted(known - own)[:MOST_FACTS], sorted(own - known)[:MOST_FACTS]
        found.drifted.append(Drifted(name, missing, added))
    gone = [name for name in shown if name not in read]
    found.drifted += [Drifted(name, facts[:MOST_FACTS], []) for name in gone]


def _read(alias: str, schemas: list[str], *, with_facts: bool) -> dict[str, tuple[str, Facts]]:
    if not schemas:
        return {}
    with connections[alias].cursor() as cursor:
        cursor.execute(SQL, {"schemas": schemas, "facts": with_facts})
        return {schema: (digest, facts) for schema, digest, facts in cursor.fetchall()}
