"""Moves in the Django admin: to read, to begin upward and, for support, downward, to take back."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.audit.models import AuditEntry
from apps.isolation import public as isolation
from apps.isolation.public import Level, Move
from apps.tenants import moving
from apps.workspaces.models import Operator
from tests.cast import Customer, email

TENANTS = "/admin/tenants/tenant/"
MOVES = "/admin/isolation/move/"


def operator(*rights: str) -> Operator:
    """Somebody who may look at tenants, and what else is named."""
    address = email()
    made = Operator.objects.create_user(address, address, "x" * 12, is_staff=True)
    names = {"view_tenant", "view_move", *rights}
    made.user_permissions.set(Permission.objects.filter(codename__in=names))
    return made


def browser(who: Operator) -> Client:
    signed_in = Client(headers={"host": "localhost"})
    signed_in.force_login(who)
    return signed_in


def act(client: Client, page: str, action: str, *chosen: object) -> str:
    form = {"action": action, "_selected_action": [str(one) for one in chosen]}
    answer: Any = client.post(page, form, follow=True)
    return str(answer.content.decode())


def moves(tenant: Customer) -> list[tuple[str, str]]:
    rows = Move.objects.filter(tenant_id=tenant.id).order_by("created_at")
    return list(rows.values_list("from_level", "to_level"))


@pytest.mark.parametrize(
    ("action", "level"),
    [("move_to_schema", "dedicated_schema"), ("move_to_database", "dedicated_database")],
)
def test_an_operator_moves_a_tenant_up_and_is_named(
    acme: Customer, action: str, level: str
) -> None:
    who = operator("change_tenant")
    assert "1 begin to move." in act(browser(who), TENANTS, action, acme.id)
    assert moves(acme) == [("shared_schema", level)]
    entry = AuditEntry.objects.filter(tenant_id=acme.id).latest("seq").body
    assert (entry["action"], entry["actorType"], entry["actorId"]) == (
        "isolation.move_started",
        "operator",
        str(who.pk),
    )


def test_what_is_refused_is_said_for_each(acme: Customer, globex: Customer) -> None:
    page = act(browser(operator("change_tenant")), TENANTS, "move_to_schema", acme.id, globex.id)
    assert "1 begin to move." in page
    assert "Globex: A tenant moves to a higher isolation level only" in page


@pytest.mark.parametrize("rights", [[], ["change_tenant"]])
def test_down_is_for_support_only(globex: Customer, rights: list[str]) -> None:
    act(browser(operator(*rights)), TENANTS, "move_down_to_shared", globex.id)
    assert moves(globex) == []


def test_support_moves_down(globex: Customer) -> None:
    who = operator("change_tenant", "change_move")
    assert "1 begin to move." in act(browser(who), TENANTS, "move_down_to_shared", globex.id)
    assert moves(globex) == [("dedicated_schema", "shared_schema")]
    entry = AuditEntry.objects.filter(tenant_id=globex.id).latest("seq").body
    assert (entry["actorType"], entry["actorId"]) == ("operator", str(who.pk))


def test_who_may_only_look_may_not_move(acme: Customer) -> None:
    act(browser(operator()), TENANTS, "move_to_schema", acme.id)
    assert moves(acme) == []


def test_a_tenants_page_says_its_level(globex: Customer) -> None:
    page: Any = browser(operator()).get(f"{TENANTS}{globex.id}/change/")
    assert "dedicated_schema" in page.content.decode()


class TestMoves:
    @pytest.fixture
    def running(self, acme: Customer) -> Move:
        return Move.objects.create(
            tenant_id=acme.id,
            workspace_id=acme.workspace.id,
            from_level="shared_schema",
            to_level="dedicated_database",
            status="in_progress",
            step="capture",
            rows_total=1_234_567,
            rows_done=234_567,
            rows_per_s=50_000,
        )

    def test_they_are_listed_with_their_progress(self, running: Move) -> None:
        page: Any = browser(operator()).get(MOVES, {"q": str(running.tenant_id)})
        text = page.content.decode()
        assert "234,567 of 1,234,567 rows, 50,000/s, 20 s left" in text
        assert "shared_schema → dedicated_database" in text

    def test_nobody_changes_one_by_hand(self, running: Move) -> None:
        client = browser(operator("change_tenant", "change_move", "delete_move", "add_move"))
        page: Any = client.get(f"{MOVES}{running.pk}/change/")
        assert 'name="_save"' not in page.content.decode()
        assert client.get(f"{MOVES}add/").status_code == 403
        assert client.post(f"{MOVES}{running.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_a_completed_one_is_taken_back(self, acme: Customer) -> None:
        who: dict[str, Any] = {"workspace_id": acme.workspace.id, "tenant_id": acme.id}
        move = isolation.run_move(moving.start(**who, target=Level.DEDICATED_SCHEMA).id)
        page = act(browser(operator("change_tenant")), MOVES, "roll_back", move.pk)
        assert "1 begin to move back." in page
        assert Move.objects.get(undoes=move).to_level == "shared_schema"

    def test_one_that_runs_is_not(self, running: Move) -> None:
        page = act(browser(operator("change_tenant")), MOVES, "roll_back", running.pk)
        assert "This migration can no longer be rolled back." in page

    def test_one_that_waits_is_stopped_and_the_tenant_stays(self, acme: Customer) -> None:
        who: dict[str, Any] = {"workspace_id": acme.workspace.id, "tenant_id": acme.id}
        move = moving.start(**who, target=Level.DEDICATED_SCHEMA)
        client = browser(operator("change_tenant"))
        assert "1 stopped." in act(client, MOVES, "stop", move.pk)
        ended = isolation.run_move(move.pk)
        assert (ended.status, ended.error) == ("failed", "It was stopped by an operator.")
        assert isolation.level_of([acme.id]) == {acme.id: Level.SHARED_SCHEMA}
        actions = [row.body for row in AuditEntry.objects.filter(tenant_id=acme.id)]
        kept = [one for one in actions if one["action"] == "isolation.move_stopped"]
        assert [one["actorType"] for one in kept] == ["operator"]
        assert "has ended" in act(client, MOVES, "stop", move.pk)
