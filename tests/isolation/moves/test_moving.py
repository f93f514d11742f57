"""A move from end to end: up, further up, down, back; rows equal, the old place empty or closed."""

from typing import Any

from apps.isolation.public import Level
from tests.isolation.moves.scene import Mover


class TestUp:
    def test_shared_rows_get_a_schema_of_their_own(self, tenant: Mover) -> None:
        before = tenant.rows()
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.error) == ("completed", "")
        assert tenant.location.schema.startswith("t_")
        assert tenant.rows() == before
        assert sum(map(len, before.values())) == move.rows_done == move.rows_total

    def test_nothing_of_the_move_is_left(self, tenant: Mover, leftovers: Any) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert leftovers(move) == []
