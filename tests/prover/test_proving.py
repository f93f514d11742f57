"""From a row that waits to a final, signed proof, told to whom it concerns."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.models import AuditEntry
from apps.prover import proving, selectors, signing
from apps.prover.models import Cause, Decoy, Proof, Status
from apps.webhooks.models import OutboxEvent
from tests.cast import Account, Customer
from tests.prover.support import SHARED, nothing_left, planted, prove, report
from tests.tenants.support import at_once

OFF = f"ALTER TABLE {SHARED}.usage_rollup DISABLE ROW LEVEL SECURITY"
ON = OFF.replace("DISABLE", "ENABLE")


def ask(workspace_id: UUID, cause: Cause = Cause.NIGHTLY) -> Proof:
    return Proof.objects.create(workspace_id=workspace_id, cause=cause)


def told(workspace_id: UUID) -> list[OutboxEvent]:
    return list(OutboxEvent.objects.filter(workspace_id=workspace_id, type__startswith="isolation"))


def kept(workspace_id: UUID) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(workspace_id=workspace_id, body__action="isolation.proved")
    return [row.body for row in rows.order_by("seq")]


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Proofs that other tests asked for are not made here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE prover_proof SET finished_at = now(), status = 'broken'"
            " WHERE finished_at IS NULL"
        )


class TestPassed:
    def test_what_waits_is_made_oldest_first(self, workspace: Account) -> None:
        made = [ask(workspace.id), ask(workspace.id, Cause.MOVE)]
        assert proving.prove_all() == 2
        found = [Proof.objects.get(pk=one.pk) for one in made]
        assert [one.status for one in found] == [Status.PASSED] * 2
        assert found[0].finished_at is not None
        assert found[1].finished_at is not None
        assert found[0].finished_at < found[1].finished_at
        assert proving.prove_all() == 0
        assert nothing_left()

    def test_the_report_is_signed_as_it_is_kept(self, workspace: Account) -> None:
        proof = prove(workspace.id)
        assert signing.check(selectors.envelope(proof)) == report(proof)
        assert report(proof)["id"] == str(proof.id)
        assert report(proof)["totals"]["attacks"] == proof.attacks > 50

    def test_each_names_the_one_before(self, workspace: Account) -> None:
        first, second = prove(workspace.id), prove(workspace.id)
        assert report(first)["previous"] is None
        assert report(second)["previous"] == {"id": str(first.id), "digest": first.digest}
        assert second.previous == first
        assert selectors.changes(second) == []

    def test_the_trail_holds_the_digest_and_nobody_is_woken(self, workspace: Account) -> None:
        proof = prove(workspace.id)
        [entry] = kept(workspace.id)
        assert (entry["target"], entry["result"]) == (str(proof.id), "ok")
        assert entry["details"]["digest"] == proof.digest
        assert told(workspace.id) == []

    def test_it_says_what_it_saw_of_each_place(self, workspace: Account, own_schema: str) -> None:
        seen = report(prove(workspace.id))
        assert seen["scope"]["attacked"][:2] == [f"default/{SHARED}", f"default/{own_schema}"]
        schemas, shapes = seen["catalogue"]["schemas"], seen["catalogue"]["shapes"]
        tables, own = (shapes[schemas[f"default/{name}"]] for name in (SHARED, own_schema))
        assert {name: tables[name] for name in own} == own
        assert tables["usage_event"]["forced"] is True
        assert set(tables["usage_event"]["policies"]) == {"tenant_rw", "tenant_fence", "fleet_rw"}
        assert "partition of usage_event" in tables
        assert not [name for name in tables if re.search(r"_20\d{4}$", name)]

    def test_few_places_may_be_asked_for(self, workspace: Account, own_schema: str) -> None:
        seen = report(prove(workspace.id, most=0))
        assert seen["scope"]["catalogueOnly"] == [f"default/{own_schema}"]
        assert f"default/{own_schema}" in seen["catalogue"]["schemas"]
        assert own_schema not in str(seen["attacks"])


class TestFailed:
    def test_everybody_is_told_once(
        self, workspace: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        with planted(OFF, ON):
            proof = prove(workspace.id)
        assert proof.status == Status.FAILED
        [event] = told(workspace.id)
        assert (event.type, event.tenant_id) == ("isolation.proof_failed", None)
        assert event.data["proofId"] == str(proof.id)
        assert event.data["breaches"] == proof.breaches > 0
        assert event.data["defects"] == proof.defects == 1
        [entry] = kept(workspace.id)
        assert entry["result"] == "failed"
        assert [one.levelname for one in caplog.records if "proof.finished" in str(one.msg)] == [
            "ERROR"
        ]

    def test_what_changed_is_named(self, workspace: Account) -> None:
        prove(workspace.id)
        with planted(OFF, ON):
            proof = prove(workspace.id)
        paths = {one.path: (one.before, one.after) for one in selectors.changes(proof)}
        assert paths[f"schemas/default/{SHARED}/usage_rollup/rls"] == ("True", "False")
        assert paths[f"findings/default/no_rls/{SHARED}.usage_rollup"] == (None, "found")
        read = f"attacks/default/{SHARED}/{SHARED}.usage_rollup/scope/read"
        assert paths[read] == ("nothing (0 rows)", "succeeded (1 rows)")


class TestIncomplete:
    def test_a_place_that_cannot_be_reached(
        self, workspace: Account, own_schema: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = proving._attack_one

        def away(location: Any, *more: Any) -> Any:
            if location.schema == own_schema:
                raise DatabaseError("no answer")
            return whole(location, *more)

        monkeypatch.setattr("apps.prover.proving._attack_one", away)
        proof = prove(workspace.id)
        assert proof.status == Status.INCOMPLETE
        place = f"default/{own_schema}"
        assert report(proof)["scope"]["notReached"] == {place: "DatabaseError"}
        assert place not in report(proof)["scope"]["attacked"]
        assert told(workspace.id) == []
        assert kept(workspace.id)[0]["result"] == "incomplete"

    def test_no_time_left(
        self, workspace: Account, own_schema: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.prover.proving.BUDGET_S", -1)
        proof = prove(workspace.id)
        assert proof.status == Status.INCOMPLETE
        assert set(report(proof)["scope"]["notReached"].values()) == {"no time left of -1 s"}


class TestBroken:
    def test_a_database_that_is_away_is_asked_three_times(
        self, workspace: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_args: Any, **_more: Any) -> Any:
            raise DatabaseError("the catalogue\n does not answer")

        monkeypatch.setattr("apps.prover.proving.reports.build", away)
        proof = ask(workspace.id)
        for tries in (1, 2):
            with pytest.raises(DatabaseError):
                proving.prove_all()
            proof.refresh_from_db()
            assert (proof.tries, proof.finished_at) == (tries, None)
        assert proving.prove_all() == 1
        proof.refresh_from_db()
        assert (proof.status, proof.error) == (Status.BROKEN, "the catalogue does not answer")
        assert selectors.envelope(proof) is None
        assert kept(workspace.id)[0]["result"] == "broken"
        assert nothing_left()

    def test_an_error_that_nobody_foresaw_is_met_three_times(
        self, workspace: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stray(*_args: Any, **_more: Any) -> Any:
            raise RuntimeError("boom")

        monkeypatch.setattr("apps.prover.proving.reports.build", stray)
        proof = ask(workspace.id)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                proving.prove_all()
        assert proving.prove_all() == 1
        proof.refresh_from_db()
        assert proof.status == Status.BROKEN
        assert proof.error == "An error that nobody foresaw (RuntimeError): the log has it."

    def test_one_that_is_killed_each_time_is_given_up(self, workspace: Account) -> None:
        proof = ask(workspace.id)
        Proof.objects.filter(pk=proof.pk).update(status=Status.RUNNING, tries=proving.TRIES)
        assert proving.prove_all() == 1
        proof.refresh_from_db()
        assert (proof.status, proof.error) == (Status.BROKEN, proving.BROKEN_OFF)

    def test_the_next_one_is_tied_to_the_last_that_has_a_report(self, workspace: Account) -> None:
        first = prove(workspace.id)
        broken = ask(workspace.id)
        proving._give_up(broken, "away")
        third = prove(workspace.id)
        assert third.previous == first


class TestAlone:
    def test_two_provers_make_each_proof_once(self, workspace: Account) -> None:
        for _ in range(3):
            ask(workspace.id)
        assert sum(at_once(3, lambda _: proving.prove_all())) <= 3
        proving.prove_all()
        rows = Proof.objects.filter(workspace_id=workspace.id)
        assert [(one.status, one.tries) for one in rows] == [(Status.PASSED, 1)] * 3
        assert nothing_left()

    def test_a_proof_that_a_crash_left_running_is_made_anew(self, workspace: Account) -> None:
        proof = ask(workspace.id)
        Proof.objects.filter(pk=proof.pk).update(status=Status.RUNNING, tries=1)
        assert proving.prove_all() == 1
        proof.refresh_from_db()
        assert (proof.status, proof.tries) == (Status.PASSED, 2)

    def test_whoever_comes_second_goes_away(self, workspace: Account) -> None:
        ask(workspace.id)
        with proving.alone() as is_alone:
            assert is_alone
            assert at_once(1, lambda _: proving.prove_all()) == [0]
        assert proving.prove_all() == 1


class TestFinal:
    def test_a_finished_proof_cannot_be_changed(self, workspace: Account) -> None:
        proof = prove(workspace.id)
        for statement in (
            "UPDATE prover_proof SET status = 'passed' WHERE id = %s",
            "UPDATE prover_proof SET report = '{}' WHERE id = %s",
            "DELETE FROM prover_proof WHERE id = %s",
        ):
            with pytest.raises(DatabaseError, match="kept as it is"), transaction.atomic():
                _run(statement, proof.id)

    def test_one_that_waits_cannot_be_deleted(self, workspace: Account) -> None:
        proof = ask(workspace.id)
        with pytest.raises(DatabaseError, match="kept as it is"), transaction.atomic():
            _run("DELETE FROM prover_proof WHERE id = %s", proof.id)


def _run(statement: str, proof_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [proof_id])


def test_real_tenants_work_while_a_proof_runs(workspace: Account, acme: Customer) -> None:
    """A proof and a reader at the same time: the reader is never refused and sees its own only."""
    from apps.isolation.public import scope

    def read(number: int) -> Any:
        if number == 0:
            return prove(workspace.id).status
        seen = []
        for _ in range(30):
            with scope(acme.id, read_only=True) as here, here.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM usage_rollup")
                seen.append(cursor.fetchone()[0])
        return set(seen)

    assert at_once(3, read) == [Status.PASSED, {0}, {0}]
    assert not Decoy.objects.exists()
