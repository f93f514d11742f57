"""The cast of the move's tests: parts of their own, a tenant in the shared schema with rows."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="package", autouse=True)
def _tidy(_database: None) -> Iterator[None]:
    """The shop's tables are no data plane of the product's: the lint of later tests minds them."""
    from tests.isolation.moves import shop

    yield
    shop.destroy_all()


@pytest.fixture
def movable() -> Iterator[None]:
    """Usage and an operator's shop are what moves, and nothing else."""
    from apps.isolation import parts
    from tests.isolation.moves import scene

    before = dict(parts._parts)
    scene.only_ours()
    yield
    parts._parts.clear()
    parts._parts.update(before)


@pytest.fixture
def tenant(movable: None, acme: Any) -> Any:
    """A tenant with shared rows in both parts."""
    from tests.isolation.moves import scene

    return scene.settle(acme)


@pytest.fixture
def gate(tenant: Any) -> Any:
    """Before the other parts; gone with them."""
    from tests.isolation.moves.gate import Gate

    made = Gate()
    made.stand()
    return made


@pytest.fixture
def stranger(movable: None, globex: Any) -> Any:
    """Another tenant with rows, which nobody moves."""
    from tests import cast
    from tests.isolation.moves import scene

    return scene.settle(cast.tenant(globex.workspace, "Initech", plan="growth"), 100, 20)


@pytest.fixture(scope="package")
def _second() -> Iterator[Any]:
    """A server that nobody knows of but who registers it."""
    from tests.isolation.databases.second import Second

    with Second() as running:
        yield running


@pytest.fixture(scope="module")
def far(_database: None, _second: Any) -> Iterator[Any]:
    """A server for tenants' databases, which may die and run full."""
    from apps.isolation.databases import servers
    from tests.isolation.databases import second

    row = servers.register(second.slug(), _second.deploy_url)
    yield _second
    second.forget(row)


@pytest.fixture
def mover(movable: None, far: Any, workspace: Any) -> Any:
    """A tenant with shared rows that can move to the far server."""
    from tests import cast
    from tests.isolation.moves import scene

    return scene.settle(cast.tenant(workspace, plan="growth"), *scene.SMALL)


@pytest.fixture
def leftovers() -> Any:
    """What a move left in the control plane's database: tables, functions, triggers, rows."""
    from apps.isolation.moves import links

    def found(move: Any) -> list[str]:
        with links.owner("default") as owner:
            rows = owner.execute(
                "SELECT relname::text FROM pg_class WHERE relname LIKE %(like)s"
                " UNION ALL SELECT proname::text FROM pg_proc WHERE proname LIKE %(like)s"
                " UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgname LIKE %(like)s"
                " UNION ALL SELECT 'arrival' FROM tenlyr_moves.arrival WHERE move_id = %(id)s",
                {"like": f"%{move.id.hex}%", "id": move.id},
            )
            return [row[0] for row in rows]

    return found
