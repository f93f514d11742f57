"""Moves from the command line."""

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from apps.isolation.public import Level
from tests.isolation.moves.scene import Mover


def said(*arguments: Any, **options: Any) -> str:
    """What the command wrote."""
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, **options)
    return out.getvalue()


class TestMoveTenant:
    def test_it_moves_and_says_how_to_go_back(self, tenant: Mover) -> None:
        told = said("move_tenant", tenant.id, "dedicated_schema")
        assert "lives at dedicated_schema" in told
        assert tenant.location.schema.startswith("t_")
        move = told.split()[-1]
        assert "lives at shared_schema" in said("move_tenant", tenant.id, rollback=move)
        assert tenant.location.schema == "tenlyr_shared"

    def test_down_needs_a_word(self, tenant: Mover) -> None:
        said("move_tenant", tenant.id, "dedicated_schema")
        with pytest.raises(CommandError, match="higher isolation level"):
            said("move_tenant", tenant.id, "shared_schema")
        assert "shared_schema" in said("move_tenant", tenant.id, "shared_schema", support=True)

    def test_nobody_moves_by_mistake(self, tenant: Mover) -> None:
        with pytest.raises(CommandError, match="no such tenant"):
            said("move_tenant", uuid4(), "dedicated_schema")
        with pytest.raises(CommandError, match="Name a level"):
            said("move_tenant", tenant.id)


class TestMoves:
    def test_a_list_and_one_in_full(self, tenant: Mover) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        listed = said("moves", "list", "--tenant", tenant.id)
        assert f"{move.id}  {tenant.id}  shared_schema -> dedicated_schema  completed" in listed
        told = json.loads(said("moves", "show", move.id))
        assert (told["status"], told["lastStep"], told["nextStep"]) == ("completed", "settle", None)
        assert told["detail"]["fenceMs"] > 0

    def test_those_that_run(self, tenant: Mover) -> None:
        assert str(tenant.id) not in said("moves", "list", "--running")
        move = tenant.start(Level.DEDICATED_SCHEMA)
        assert str(move.id) in said("moves", "list", "--running")
        assert json.loads(said("moves", "show", move.id))["isRun"] is False

    def test_none(self) -> None:
        with pytest.raises(CommandError, match="no such move"):
            said("moves", "show", uuid4())
