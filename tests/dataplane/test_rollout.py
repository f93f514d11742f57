"""A version's way to every schema: waves, refusals, a stop half-way, and what drifted."""

import os
import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest
from django.db import connections

from apps.dataplane import applying, tasks
from apps.dataplane.errors import NotSteerable, RolloutRunning
from apps.dataplane.models import Release, Rollout, SchemaState
from apps.dataplane.rollout import drift, planning, progress, running, steering
from apps.isolation.models import Location
from apps.isolation.public import is_held
from tenlyr import env
from tenlyr.core import errors
from tests import cast
from tests.cast import Account, Api, Customer
from tests.core import messages
from tests.core.threads import until
from tests.dataplane import plane

THING = "CREATE TABLE thing (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id))"
MORE = "ALTER TABLE thing ADD COLUMN note text; CREATE INDEX thing_note ON thing (tenant_id, note)"


@pytest.fixture(scope="module")
def account(_database: None) -> Account:
    """An operator with a table and a dozen tenants with schemas of their own."""
    made = cast.workspace()
    plane.release(made, THING)
    return made


@pytest.fixture(scope="module")
def tenants(account: Account) -> list[Customer]:
    return [
        cast.tenant(account, f"Tenant {n}", isolation_level="dedicated_schema") for n in range(12)
    ]


@pytest.fixture
def version(account: Account, tenants: list[Customer]) -> int:
    """The next version, published, with every dedicated schema behind."""
    Rollout.objects.filter(workspace_id=account.id).delete()
    newest = Release.objects.filter(workspace_id=account.id).order_by("-version")[0].version
    plane.release(account, f"ALTER TABLE thing ADD COLUMN c{newest} int", newest + 1)
    return newest + 1


def has(account: Account, version: int) -> set[str]:
    """The schemas whose own database says that they have the version."""
    rows = SchemaState.objects.filter(workspace_id=account.id).exclude(schema__startswith="op_")
    return {one.schema for one in rows if applying.version_of("owner", one.schema) == version}


def schemas(account: Account) -> list[str]:
    rows = SchemaState.objects.filter(workspace_id=account.id).exclude(schema__startswith="op_")
    return sorted(rows.values_list("schema", flat=True))


def start(account: Account, version: int, **more: Any) -> Rollout:
    return planning.start(workspace_id=account.id, version=version, **more)


class TestWaves:
    def test_grow_and_hold_everybody_once(self) -> None:
        names = [f"d_{number}" for number in range(1_000)]
        waves = planning.in_waves(names)
        assert [len(wave) for wave in waves] == [10, 90, 900]
        assert sorted(name for wave in waves for name in wave) == sorted(names)

    def test_canaries_are_the_first_alone(self) -> None:
        waves = planning.in_waves(["a", "b", "c"], first=["c"])
        assert waves[0] == ["c"]
        assert sorted(name for wave in waves[1:] for name in wave) == ["a", "b"]

    def test_one_is_one_wave_and_none_is_none(self) -> None:
        assert planning.in_waves(["a"]) == [["a"]]
        assert planning.in_waves([]) == []


class TestRun:
    def test_brings_everybody_to_the_version(self, account: Account, version: int) -> None:
        seen: list[tuple[int, int]] = []
        rollout = start(account, version)
        done = running.run(
            rollout.id, on_progress=lambda row: seen.append((row.wave, progress.of(row).done))
        )
        assert (done.status, done.error) == ("done", "")
        assert has(account, version) == set(schemas(account))
        assert [count for _, count in seen] == sorted(count for _, count in seen)
        assert max(wave for wave, _ in seen) == done.waves - 1
        assert progress.of(done).done == progress.of(done).total == 12
        assert Release.objects.get(workspace_id=account.id, version=version).status == "done"

    def test_one_on_its_way_out_is_not_counted(self, account: Account, version: int) -> None:
        leaving = SchemaState.objects.filter(workspace_id=account.id, location__isnull=False)[0]
        here = Location.objects.filter(pk=leaving.location_id)
        here.update(state=Location.State.RETIRED)
        try:
            rollout = start(account, version)
            assert rollout.total == 11
            leaving.refresh_from_db()
            assert leaving.wave is None
            assert running.run(rollout.id).status == "done"
        finally:
            here.update(state=Location.State.CLAIMED)

    def test_nothing_to_do_is_nothing_done(self, account: Account, version: int) -> None:
        running.run(start(account, version).id)
        again = start(account, version)
        assert (again.total, again.waves) == (0, 0)
        assert running.run(again.id).status == "done"

    def test_what_the_databases_have_already_is_left_alone(
        self, account: Account, version: int
    ) -> None:
        running.run(start(account, version).id)
        known = SchemaState.objects.filter(workspace_id=account.id, location__isnull=False)
        before = dict(known.values_list("schema", "changed_at"))
        known.update(version=0)
        assert running.run(start(account, version).id).status == "done"
        assert dict(known.values_list("schema", "changed_at")) == before
        assert set(known.values_list("version", flat=True)) == {version}

    def test_canaries_go_first(
        self, account: Account, tenants: list[Customer], version: int
    ) -> None:
        rollout = start(account, version, canaries=[tenants[7].id], parallel=1)
        firsts: list[set[str]] = []

        def hold(row: Rollout) -> None:
            firsts.append(has(account, version))
            steering.pause(account.id, version)

        assert running.run(rollout.id, on_progress=hold).status == "paused"
        (found,) = firsts[0]
        assert found == SchemaState.objects.get(wave=0, workspace_id=account.id).schema
        assert steering.resume(account.id, version).status == "rolling"
        assert running.run(rollout.id).status == "done"

    def test_a_stranger_is_no_canary(
        self, account: Account, version: int, stranger: Customer
    ) -> None:
        with pytest.raises(errors.InvalidRequest, match="no schema of its own"):
            start(account, version, canaries=[stranger.id])

    def test_one_at_a_time(self, account: Account, version: int) -> None:
        start(account, version)
        with pytest.raises(RolloutRunning):
            start(account, version)

    def test_a_second_process_leaves_it_to_the_first(self, account: Account, version: int) -> None:
        rollout = start(account, version)
        with running._alone(rollout.id) as is_alone:
            assert is_alone
            other: list[Rollout] = []

            def elsewhere() -> None:
                other.append(running.run(rollout.id))
                connections.close_all()

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            assert (other[0].status, has(account, version)) == ("rolling", set())
            # Looking takes nothing: not even this very session's lock once more.
            assert rollout.id not in running.abandoned()
        assert rollout.id in running.abandoned()


class TestRefusals:
    def test_more_than_the_budget_stop_it(self, account: Account, version: int) -> None:
        broken = schemas(account)[:2]
        drop(broken)
        try:
            rollout = start(account, version, parallel=2)
            stopped = running.run(rollout.id)
            assert stopped.status == "failed"
            assert any(name in stopped.error for name in broken)
            assert 'relation "thing" does not exist' in stopped.error
            with pytest.raises(NotSteerable):
                steering.pause(account.id, version)
        finally:
            mend(broken, version)
        steering.resume(account.id, version)
        assert running.run(rollout.id).status == "done"
        assert has(account, version) == set(schemas(account))

    def test_as_many_as_may_do_not(self, account: Account, version: int) -> None:
        broken = schemas(account)[:2]
        drop(broken)
        try:
            done = running.run(start(account, version, failure_budget=2).id)
            assert (done.status, progress.of(done).failed) == ("done", 2)
            assert has(account, version) == set(schemas(account)) - set(broken)
        finally:
            mend(broken, version)
            Rollout.objects.filter(workspace_id=account.id).delete()
            running.run(start(account, version).id)

    def test_a_lock_that_is_held_for_a_while_is_waited_for(
        self, account: Account, version: int
    ) -> None:
        name = schemas(account)[0]
        with psycopg.connect(deploy_url()) as holder:
            holder.execute("SET ROLE tenlyr_owner")
            holder.execute(f'LOCK TABLE "{name}".thing IN ACCESS SHARE MODE')
            timer = threading.Timer(1.5, holder.commit)
            timer.start()
            done = running.run(start(account, version).id)
            timer.join()
        assert done.status == "done"
        assert has(account, version) == set(schemas(account))

    def test_what_nobody_thought_of_is_a_refusal_too(self, account: Account, version: int) -> None:
        """A Location with a name that means no database: no error of Postgres', and for good."""
        state = SchemaState.objects.get(pk=schemas(account)[3])
        location = Location.objects.filter(pk=state.location_id)
        location.update(alias="elsewhere")
        rollout = start(account, version)
        try:
            stopped = running.run(rollout.id)
        finally:
            location.update(alias="default")
        assert (stopped.status, rollout.id in running.abandoned()) == ("failed", False)
        assert stopped.error == f"1 refused; {state.schema}: {running.STRANGE}"
        assert state.schema not in has(account, version)
        steering.resume(account.id, version)
        assert running.run(rollout.id).status == "done"
        assert has(account, version) == set(schemas(account))

    def test_what_nobody_thought_of_counts_in_the_budget(
        self, account: Account, version: int
    ) -> None:
        state = SchemaState.objects.get(pk=schemas(account)[3])
        location = Location.objects.filter(pk=state.location_id)
        location.update(alias="elsewhere")
        try:
            done = running.run(start(account, version, failure_budget=1).id)
        finally:
            location.update(alias="default")
        assert (done.status, progress.of(done).failed) == ("done", 1)
        assert has(account, version) == set(schemas(account)) - {state.schema}
        Rollout.objects.filter(workspace_id=account.id).delete()
        assert running.run(start(account, version).id).status == "done"


class TestKilled:
    def test_half_way_it_goes_on_where_it_was(self, account: Account, version: int) -> None:
        rollout = start(account, version, parallel=1)
        command = ["manage.py", "dataplane", "rollout", "--workspace", str(account.id)]
        process = subprocess.Popen(
            [sys.executable, *command], cwd=env.BASE_DIR, env=dict(os.environ),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until(lambda: bool(has(account, version)))
        finally:
            process.kill()
            process.wait()
        assert Rollout.objects.get(pk=rollout.id).status in {"rolling", "done"}
        # The server takes its moment to notice that the process is gone.
        until(lambda: not is_held(running._key(rollout.id)))
        assert running.run(rollout.id).status == "done"
        assert has(account, version) == set(schemas(account))

    def test_a_message_to_go_on_does_not_outlive_the_next_one(
        self, account: Account, version: int
    ) -> None:
        """While workers are away the sweep must not fill the broker."""
        rollout = start(account, version)
        already = len(messages.waiting(rollout.id))
        assert tasks.resume_rollouts() >= 1
        (task, left_s) = messages.waiting(rollout.id)[already]
        assert task == "dataplane.run_rollout"
        assert left_s is not None
        assert left_s <= tasks.RESUMED_AGAIN_S


class TestDrift:
    def test_none_after_a_rollout(self, account: Account, version: int) -> None:
        running.run(start(account, version).id)
        found = drift.report(account.id)
        assert (found.is_clean, found.checked, found.behind) == (True, 12, 0), found.drifted

    def test_who_is_behind_is_said(self, account: Account, version: int) -> None:
        assert drift.report(account.id).behind == 12
        running.run(start(account, version).id)

    @pytest.mark.parametrize(
        ("change", "back", "fact"),
        [
            ("ADD COLUMN extra int", "DROP COLUMN extra", "column thing.extra integer"),
            ("DISABLE ROW LEVEL SECURITY", "ENABLE ROW LEVEL SECURITY", "row security f"),
            ("NO FORCE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY", "forced f"),
        ],
    )
    def test_each_difference_is_named(
        self, account: Account, version: int, change: str, back: str, fact: str
    ) -> None:
        running.run(start(account, version).id)
        name = schemas(account)[3]
        alter(f'ALTER TABLE "{name}".thing {change}')
        try:
            (found,) = drift.report(account.id).drifted
        finally:
            alter(f'ALTER TABLE "{name}".thing {back}')
        assert found.schema == name
        assert any(fact in one for one in found.added), found.added

    def test_without_tables_there_is_none(self, workspace: Account) -> None:
        assert drift.report(workspace.id).is_clean


class TestApi:
    PATH = "/api/v1/dataplane/releases"

    def test_begin_watch_hold_and_go_on(self, account: Account, version: int, api: Api) -> None:
        path = f"{self.PATH}/{version}/rollout"
        assert api.get(path, key=account.key).status == 404
        begun = api.post(path, {"parallel": 2}, key=account.key)
        assert (begun.status, begun.body["status"], begun.body["total"]) == (202, "rolling", 12)
        assert api.post(path, {}, key=account.key).body["code"] == "rollout_running"
        held = api.post(f"{path}/pause", {}, key=account.key)
        assert (held.status, held.body["status"]) == (200, "paused")
        refused = api.post(f"{path}/pause", {}, key=account.key)
        assert (refused.status, refused.body["code"]) == (400, "rollout_not_steerable")
        assert api.post(f"{path}/resume", {}, key=account.key).body["status"] == "rolling"
        running.run(Rollout.objects.get(workspace_id=account.id).id)
        seen = api.get(path, key=account.key).body
        assert (seen["status"], seen["done"], seen["failures"]) == ("done", 12, [])
        assert api.get("/api/v1/dataplane/drift", key=account.key).body["isClean"] is True

    def test_one_that_is_held_can_be_ended(self, account: Account, version: int, api: Api) -> None:
        path = f"{self.PATH}/{version}/rollout"
        api.post(path, {}, key=account.key)
        api.post(f"{path}/pause", {}, key=account.key)
        ended = api.post(f"{path}/end", {}, key=account.key).body
        assert (ended["status"], ended["error"]) == ("done", "Ended by hand.")
        assert api.post(path, {}, key=account.key).status == 202

    @pytest.mark.parametrize(
        "body",
        [{"parallel": 0}, {"parallel": 99}, {"canaryTenantIds": ["x"]}, {"failureBudget": -1}],
    )
    def test_bad_input(
        self, account: Account, version: int, api: Api, body: dict[str, Any]
    ) -> None:
        answer = api.post(f"{self.PATH}/{version}/rollout", body, key=account.key)
        assert (answer.status, answer.body["code"]) == (422, "invalid_request")


def deploy_url() -> str:
    return os.environ["DATABASE_URL"]


def alter(statement: str) -> None:
    """As the owner of everything, past all rules."""
    with psycopg.connect(deploy_url(), autocommit=True) as connection:
        connection.execute("SET ROLE tenlyr_owner")
        connection.execute(statement)  # type: ignore[arg-type]


def drop(broken: list[str]) -> None:
    """Take the table away, so that a release that changes it is refused."""
    for name in broken:
        alter(f'ALTER TABLE "{name}".thing RENAME TO gone')


def mend(broken: list[str], version: int) -> None:
    for name in broken:
        alter(f'ALTER TABLE "{name}".gone RENAME TO thing')
