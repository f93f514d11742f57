"""`isolation.prove`, `isolation.listProofs` and `isolation.getProof` (A29, X23, X62)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.prover import proving, signing
from apps.prover.models import Cause, Proof, Status
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.prover.support import SHARED, planted, prove
from tests.tenants.support import assert_needs_admin_key, assert_refused, at_once

PATH = "/api/v1/isolation/proofs"
FIELDS = [
    "id",
    "status",
    "cause",
    "attacks",
    "breaches",
    "unproven",
    "defects",
    "digest",
    "error",
    "createdAt",
    "startedAt",
    "finishedAt",
]


def ask(workspace: Account, **more: Any) -> Answer:
    return Api().post(PATH, key=workspace.key, **more)


def one(workspace: Account, proof_id: object) -> Answer:
    return Api().get(f"{PATH}/{proof_id}", key=workspace.key)


def listed(workspace: Account, query: str = "") -> Answer:
    return Api().get(f"{PATH}{query}", key=workspace.key)


def make() -> None:
    """What the worker does."""
    while Proof.objects.filter(finished_at=None).exists():
        proving.prove_all()


class TestAsk202:
    def test_a_proof_that_waits(self, workspace: Account) -> None:
        answer = ask(workspace)
        assert answer.status == 202
        assert list(answer.body) == FIELDS
        assert (answer.body["status"], answer.body["cause"]) == ("pending", "api")
        assert (answer.body["digest"], answer.body["finishedAt"]) == ("", None)
        assert UUID(answer.body["id"]).version == 7

    def test_it_is_on_the_record_who_asked(self, workspace: Account) -> None:
        made = ask(workspace).body["id"]
        entry = AuditEntry.objects.get(
            workspace_id=workspace.id, body__action="isolation.proof_asked"
        )
        assert (entry.body["target"], entry.body["actorType"]) == (made, "admin_key")

    def test_without_a_body(self, workspace: Account) -> None:
        assert Api().call("POST", PATH, key=workspace.key).status == 202

    def test_a_repeat_with_the_same_idempotency_key_asks_once(self, workspace: Account) -> None:
        first, again = (ask(workspace, idempotency_key="nightly-1") for _ in range(2))
        assert (first.status, again.status) == (202, 202)
        assert first.body == again.body
        assert again.headers["Idempotent-Replayed"] == "true"
        assert Proof.objects.filter(workspace_id=workspace.id).count() == 1

    def test_another_can_be_asked_for_when_it_is_finished(self, workspace: Account) -> None:
        ask(workspace)
        make()
        assert ask(workspace).status == 202


class TestAsk400:
    def test_one_at_a_time(self, workspace: Account) -> None:
        ask(workspace)
        assert_refused(ask(workspace), 400, "proof_in_progress")

    def test_of_many_at_once_one_is_heard(self, workspace: Account) -> None:
        answers = at_once(6, lambda _: ask(workspace))
        assert sorted(one.status for one in answers) == [202] + [400] * 5


class TestGet200:
    def test_a_finished_proof_can_be_checked_by_whoever_has_the_key(
        self, workspace: Account, acme: Customer
    ) -> None:
        made = ask(workspace).body["id"]
        make()
        shown = one(workspace, made).body
        assert list(shown) == [*FIELDS, "proof", "previousId", "changes"]
        assert (shown["status"], shown["breaches"], shown["defects"]) == ("passed", 0, 0)
        assert (shown["previousId"], shown["changes"]) == (None, [])
        report = signing.check(shown["proof"], key=signing.public_key())
        assert (report["id"], report["verdict"]) == (made, "passed")
        assert shown["digest"] == shown["proof"]["digest"]

    def test_one_that_waits_has_no_report_yet(self, workspace: Account) -> None:
        shown = one(workspace, ask(workspace).body["id"]).body
        assert (shown["status"], shown["proof"]) == ("pending", None)

    def test_what_changed_since_the_last(self, workspace: Account) -> None:
        before = prove(workspace.id)
        with planted(
            f"GRANT SELECT ON {SHARED}.usage_rollup TO PUBLIC",
            f"REVOKE ALL ON {SHARED}.usage_rollup FROM PUBLIC",
        ):
            after = prove(workspace.id)
        shown = one(workspace, after.id).body
        assert (shown["status"], shown["previousId"]) == ("failed", str(before.id))
        assert {
            "path": f"findings/default/granted_to_public/{SHARED}.usage_rollup",
            "before": None,
            "after": "found",
        } in shown["changes"]

    def test_a_broken_one_says_why(self, workspace: Account) -> None:
        proof = Proof.objects.create(workspace_id=workspace.id, cause=Cause.NIGHTLY)
        proving._give_up(proof, "the database was away")
        shown = one(workspace, proof.id).body
        assert (shown["status"], shown["error"]) == ("broken", "the database was away")


class TestGet404:
    def test_another_workspaces_looks_like_none(
        self, workspace: Account, stranger: Customer
    ) -> None:
        foreign = Proof.objects.create(workspace_id=stranger.workspace.id, cause=Cause.NIGHTLY)
        api = Api(x_request_id="same")
        answers = [api.get(f"{PATH}/{which}", key=workspace.key) for which in (foreign.id, uuid4())]
        assert_refused(answers[0], 404, "not_found")
        assert answers[0].body == answers[1].body
        assert answers[0].body["message"] == "Proof not found"

    def test_an_id_that_is_none(self, workspace: Account) -> None:
        for bad in ("1", uuid4().hex, f"{uuid4()}0"):
            assert_refused(one(workspace, bad), 404, "not_found")


class TestList200:
    def test_newest_first_page_by_page(self, workspace: Account) -> None:
        ids = [
            str(Proof.objects.create(workspace_id=workspace.id, cause=Cause.NIGHTLY).id)
            for _ in range(5)
        ]
        seen, query = [], "?limit=2"
        while query:
            page = listed(workspace, query).body
            assert set(page) == {"data", "nextCursor"}
            assert all(list(shown) == FIELDS for shown in page["data"])
            seen += [shown["id"] for shown in page["data"]]
            query = f"?limit=2&cursor={page['nextCursor']}" if page["nextCursor"] else ""
        assert seen == ids[::-1]

    def test_only_ones_own(self, workspace: Account, stranger: Customer) -> None:
        Proof.objects.create(workspace_id=stranger.workspace.id, cause=Cause.NIGHTLY)
        assert listed(workspace).body == {"data": [], "nextCursor": None}

    def test_none_at_all(self) -> None:
        assert listed(cast.workspace()).body["data"] == []


class TestListRefused:
    def test_a_cursor_of_another_list(self, workspace: Account) -> None:
        for _ in range(2):
            cast.tenant(workspace, "Some")
        tenants = Api().get("/api/v1/tenants?limit=1", key=workspace.key).body
        answer = listed(workspace, f"?cursor={tenants['nextCursor']}")
        assert_refused(answer, 400, "invalid_cursor")

    @pytest.mark.parametrize("query", ["limit=0", "limit=x", "status=passed"])
    def test_a_query_that_is_none(self, workspace: Account, query: str) -> None:
        assert_refused(listed(workspace, f"?{query}"), 422, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_all_need_an_admin_key(acme: Customer, method: str) -> None:
    assert_needs_admin_key(method, PATH, acme)
    assert_needs_admin_key("GET", f"{PATH}/{uuid4()}", acme)


def test_the_statuses_of_the_document_are_those_there_are() -> None:
    from apps.prover.api.serializers import STATUSES

    assert set(STATUSES) == set(Status)
