"""`manage.py dataplane push|status|rollout|drift|apply|pooler`: the operator's tables from the
command line.
"""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from apps.dataplane import blocking, declaring, places, pooling, selectors
from apps.dataplane.applying import DdlFailed
from apps.dataplane.declaring import BadDeclaration
from apps.dataplane.errors import RolloutNotFound
from apps.dataplane.models import Rollout, SchemaState
from apps.dataplane.rollout import drift, planning, progress, running, steering
from apps.isolation import public as isolation
from apps.workspaces.public import Workspace
from tenlyr.core import audit, clock
from tenlyr.core.errors import ApiError

LOOK_EVERY_S = 0.2


class Command(BaseCommand):
    help = "Release an operator's tables from files, see which schema has what, bring them up."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, about in {
            "push": "publish the files that are not released yet",
            "status": "the version of every schema",
            "rollout": "bring all schemas up in waves; goes on with one that stopped",
            "drift": "the schemas that hold something else than their release; exit 1 if any",
            "apply": "bring the schemas that are behind up, one after the other",
        }.items():
            one = verbs.add_parser(verb, help=about)
            one.add_argument("--config", type=Path, default=Path("tenlyr.toml"))
            one.add_argument("--workspace", type=UUID, help="its id; not needed for the only one")
            if verb == "rollout":
                one.add_argument("--version", type=int, dest="release", help="default: the newest")
                one.add_argument("--canary", type=UUID, action="append", default=[])
                one.add_argument("--parallel", type=int, default=planning.PARALLEL)
                one.add_argument("--failure-budget", type=int, default=planning.FAILURE_BUDGET)
        verbs.add_parser("pooler", help="let PgBouncer serve tenants' logins; prints its settings")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["verb"])(options)
        except (BadDeclaration, DdlFailed) as error:
            raise CommandError(str(error)) from error
        except ApiError as error:
            raise CommandError(error.public) from error

    def push(self, options: dict[str, Any]) -> None:
        """Publish what is new."""
        declared = declaring.read(options["config"])
        workspace_id = self._there(options["workspace"] or declared.workspace_id)
        made = declaring.push(workspace_id, declared.files)
        for release in made:
            names = ", ".join(table["name"] for table in release.tables)
            self.stdout.write(f"released {release.version}: {names}")
        self.stdout.write(f"{len(made)} released, {len(selectors.due(workspace_id))} schemas due")

    def status(self, options: dict[str, Any]) -> None:
        """One line for each schema."""
        workspace_id = self._workspace(options)
        current = selectors.version_of(workspace_id)
        for row in selectors.schemas(workspace_id):
            due = "" if row.version == current else f"  due: {current}"
            self.stdout.write(f"{row.schema}  {row.version}{due}  {row.error}".rstrip())

    def rollout(self, options: dict[str, Any]) -> None:
        """Roll a version out in this process, with a bar; goes on with one that stopped."""
        workspace_id = self._workspace(options)
        version = options["release"] or selectors.version_of(workspace_id)
        row = self._begun(workspace_id, version, options)
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bars:
            bar = bars.add_task(f"version {version}", total=row.total)

            def shown(now: Rollout) -> None:
                bars.update(bar, completed=progress.of(now).done)

            while (row := running.run(row.id, on_progress=shown)).status == Rollout.Status.ROLLING:
                # A worker was faster: look on, and take over should it die.
                shown(row)
                time.sleep(LOOK_EVERY_S)
            found = progress.of(row)
        taken = ((found.finished_at or clock.now()) - found.started_at).total_seconds()
        self.stdout.write(f"{found.status}: {found.done} of {found.total} in {taken:.1f} s")
        for failure in found.failures:
            self.stderr.write(f"{failure['schema']}: {failure['error']}")
        if found.status != Rollout.Status.DONE:
            raise CommandError(found.error or f"The roll-out is {found.status}.")

    def _begun(self, workspace_id: UUID, version: int, options: dict[str, Any]) -> Rollout:
        try:
            found = progress.newest(workspace_id, version)
        except RolloutNotFound:
            found = None
        if found is None or found.status == Rollout.Status.DONE:
            return planning.start(
                workspace_id=workspace_id,
                version=version,
                canaries=options["canary"],
                parallel=options["parallel"],
                failure_budget=options["failure_budget"],
            )
        if found.status == Rollout.Status.ROLLING:
            return found
        return steering.resume(workspace_id, version)

    def drift(self, options: dict[str, Any]) -> None:
        """What differs, fact by fact."""
        found = drift.report(self._workspace(options))
        for one in found.drifted:
            self.stdout.write(one.schema)
            self.stdout.write("".join(f"  - {fact}\n" for fact in one.missing), ending="")
            self.stdout.write("".join(f"  + {fact}\n" for fact in one.added), ending="")
        for schema in found.unreachable:
            self.stdout.write(f"{schema}: its database did not answer")
        self.stdout.write(
            f"{found.checked} checked, {found.drifted_total} differ, {found.behind} behind"
        )
        if not found.is_clean:
            raise CommandError("Schemas differ from their release.")

    def apply(self, options: dict[str, Any]) -> None:
        """Bring up what is behind; the first that refuses ends it."""
        workspace_id = self._workspace(options)
        current = selectors.version_of(workspace_id)
        locations = {one.id: one for one in isolation.locations()}
        due = selectors.due(workspace_id)
        if due:
            # Before the first: each is a transaction of its own database.
            with transaction.atomic():
                audit.record(
                    "dataplane.apply_started",
                    workspace_id=workspace_id,
                    target=str(current),
                    schemas=[row.schema for row in due],
                )
        for row in due:
            self._bring_up(row, locations, current)

    def _bring_up(
        self, row: SchemaState, locations: dict[int, isolation.Location], version: int
    ) -> None:
        location = locations.get(row.location_id or 0)
        if location is not None:
            blocking.tell_residents(location)
            places.furnish(row.workspace_id, location, version)
            self.stdout.write(f"{row.schema}  {version}")

    def pooler(self, options: dict[str, Any]) -> None:
        """Open the door to PgBouncer and say how."""
        password = pooling.open_to_pooler()
        at = connections["owner"].settings_dict
        port = int(at["PORT"] or 5432)
        self.stdout.write(pooling.settings_text(at["HOST"], port, at["NAME"], password))

    def _workspace(self, options: dict[str, Any]) -> UUID:
        if options["workspace"] is None and options["config"].is_file():
            return self._there(declaring.read(options["config"]).workspace_id)
        return self._there(options["workspace"])

    def _there(self, named: UUID | None) -> UUID:
        if named is not None:
            if not Workspace.objects.filter(pk=named).exists():
                raise CommandError(f"There is no workspace {named}.")
            return named
        found = list(Workspace.objects.values_list("id", flat=True)[:2])
        if len(found) != 1:
            raise CommandError("Say which workspace: --workspace ID, or workspace in tenlyr.toml.")
        return found[0]
