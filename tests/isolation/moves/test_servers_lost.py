"""A server or a connection is lost in the middle of each step (F71, F74): the move goes on, every
write that was committed is there and no other, and writers go on as soon as they can connect.
"""

import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.isolation.moves.journey import Journey
from apps.isolation.moves.running import STEPS
from apps.isolation.public import Level, run_move
from tenlyr.runtime.postgres import Postgres
from tests import cast, servers
from tests.core.threads import until
from tests.isolation import probe
from tests.isolation.databases.second import Second
from tests.isolation.moves import scene
from tests.isolation.moves.disturbing import Disturbance, counts_of, run_to_the_end
from tests.isolation.moves.scene import Mover
from tests.isolation.moves.surviving import Survivor

MOVERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE application_name = 'tenlyr move'
"""
DATABASE = Level.DEDICATED_DATABASE


@pytest.fixture(scope="module")
def counts(far: Second) -> "Counter[str]":
    """The statements of each step of such a move."""
    from apps.isolation import parts

    before = dict(parts._parts)
    scene.only_ours()
    tenant = scene.settle(cast.tenant(cast.workspace(), plan="growth"), *scene.SMALL)
    try:
        return counts_of(tenant.start(DATABASE, driver="database").id)
    finally:
        parts._parts.clear()
        parts._parts.update(before)


def middle(counts: "Counter[str]", steps: list[str]) -> dict[str, int]:
    """The statement in the middle of each step."""
    return {step: (counts[step] + 1) // 2 for step in steps if counts[step]}


def crash(server: Postgres) -> Callable[[Journey], None]:
    """SIGKILL for the server's main process, and its start with recovery."""

    def act(journey: Journey) -> None:
        servers_kill9(server)
        server.start()

    return act


def stop_at_once(server: Postgres) -> Callable[[Journey], None]:
    """Postgres' immediate stop: no checkpoint, no goodbye; recovery at the start."""

    def act(journey: Journey) -> None:
        assert server.process is not None
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(30)
        server.start()

    return act


def servers_kill9(server: Postgres) -> None:
    from tests.stack import servers as stack

    stack.kill9(server)


def survives(tenant: Mover, plan: dict[str, int], act: Callable[[Journey], None]) -> None:
    """Move under a writer, disturbed as planned: all of it happens, and no row differs."""
    before = tenant.rows()
    move = tenant.start(DATABASE, driver="database")
    with (
        Disturbance(plan, act).planted() as disturbed,
        Survivor(tenant.id, tenant.location, 0.01) as clerk,
    ):
        ended = run_to_the_end(move.id)
        wanted = len(clerk.waits_ms) + 5
        until(lambda: len(clerk.waits_ms) >= wanted or bool(clerk.errors))
    connections.close_all()
    assert disturbed.done == list(plan)
    assert (ended.status, ended.error) == ("completed", "")
    assert clerk.errors == []
    assert tenant.location.alias.startswith("db_")
    assert clerk.differences(tenant.location) == {}
    after = tenant.rows()
    assert [after[name] for name in ("usage_event", "usage_rollup")] == [
        before[name] for name in ("usage_event", "usage_rollup")
    ]


def test_the_movers_connections_end_in_each_step(
    mover: Mover, far: Second, counts: "Counter[str]"
) -> None:
    """Both servers', and the one by which others see that the runner lives."""

    def cut(journey: Journey) -> None:
        with probe.superuser() as cursor:
            cursor.execute(MOVERS)
        with far.superuser() as connection:
            connection.execute(MOVERS)

    plan = middle(counts, list(STEPS))
    assert len(plan) >= len(STEPS) - 1
    survives(mover, plan, cut)


def test_the_targets_server_crashes(mover: Mover, far: Second, counts: "Counter[str]") -> None:
    """What is unlogged there is empty afterwards."""
    steps = ["prepare", "capture", "copy", "catch_up", "verify", "flip", "leave", "settle"]
    survives(mover, middle(counts, steps), crash(far.postgres))


@pytest.mark.parametrize("how", [crash, stop_at_once])
def test_the_sources_and_the_control_planes_server_crashes(
    mover: Mover, counts: "Counter[str]", how: Callable[[Postgres], Callable[[Journey], None]]
) -> None:
    steps = ["capture", "copy", "catch_up", "verify", "flip", "leave", "settle"]
    survives(mover, middle(counts, steps), how(servers.current().postgres))


@pytest.mark.parametrize("share", [0.25, 0.75, 1.0])
def test_the_control_planes_server_crashes_around_the_flip(
    mover: Mover, counts: "Counter[str]", share: float
) -> None:
    plan = {"flip": max(1, round(share * counts["flip"]))}
    survives(mover, plan, crash(servers.current().postgres))


def test_a_target_that_stays_away(
    mover: Mover, far: Second, counts: "Counter[str]", leftovers: Any
) -> None:
    """The move fails at last, the tenant is where it was; a retry finishes when it is back."""
    where, rows = mover.location, mover.rows()

    def away(journey: Journey) -> None:
        servers_kill9(far.postgres)

    move = mover.start(DATABASE, driver="database")
    try:
        with Disturbance(middle(counts, ["copy"]), away).planted():
            ended = run_to_the_end(move.id)
    finally:
        far.postgres.start()
    assert (ended.status, ended.error) == (
        "failed",
        "A database could not be reached for too long.",
    )
    assert (mover.location, mover.rows(), leftovers(ended)) == (where, rows, [])
    assert run_move(mover.start(DATABASE, driver="database").id).status == "completed"
    assert mover.rows() == rows
