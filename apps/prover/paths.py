"""The ways by which a tenant's code reaches the database, each under attack."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from celery import current_app
from django.conf import settings
from django.db import connections, transaction
from psycopg import Error as DriverError

from apps.isolation import public as isolation
from apps.prover import attacks, rows
from apps.prover.attacks import BOUNDS, Outcome, Prey, Result
from apps.prover.decoys import Scene
from apps.prover.targets import WayIn

WINDOWS = (Path(__file__).parent / "sql" / "windows.sql").read_text()
# So many transactions each of two threads makes on the pooled connections, tenants in turns.
TURNS = 4
ANYTHING = "*"
TASK = "prover.attack"


class Tally:
    """The results by table and path, in the report's form."""

    def __init__(self, location: str) -> None:
        self.location = location
        self.lines: list[dict[str, Any]] = []

    def add(self, table: str, path: str, results: list[Result]) -> None:
        """Keep what became of the acts on a table by one path."""
        acts = {one.act: _said(one) for one in results}
        self.lines.append({"location": self.location, "table": table, "path": path, "acts": acts})


def _said(result: Result) -> str:
    return f"{result.outcome} ({result.detail})" if result.detail else str(result.outcome)


def attack(scene: Scene, tally: Tally) -> None:
    """Every path, every table, every act. Raises what the database raises when it is away."""
    for path in (in_scope, outside, as_others, pooled, in_task):
        path(scene, tally)
    for way_in in scene.ways_in:
        if way_in.tenant_id == scene.me:
            by_login(scene, way_in, tally)


def in_scope(scene: Scene, tally: Tally) -> None:
    """The app's role inside `isolation.scope()`: what every request does."""
    for planted, prey in scene.prey():
        with _undone_scope(scene.me) as cursor:
            tally.add(str(planted.table), "scope", attacks.against(cursor, prey))
    with _undone_scope(scene.me) as cursor:
        tally.add(ANYTHING, "scope", _windows(cursor, scene.other))


def outside(scene: Scene, tally: Tally) -> None:
    """The app's role with no scope at all: code that forgot to ask for one sees nobody's row."""
    nobody = str(uuid4())
    with _undone(scene.location.alias) as cursor:
        for planted, prey in scene.prey():
            stranger = Prey(prey.table, prey.partition, nobody, prey.other, prey.row, prey.types)
            results = attacks.against(cursor, stranger, sees_itself=False)
            tally.add(str(planted.table), "outside", results)
        tally.add(ANYTHING, "outside", _windows(cursor, scene.other))


def as_others(scene: Scene, tally: Tally) -> None:
    """The app's role tries to become another, and to switch the fence off."""
    with _undone_scope(scene.me) as cursor:
        cursor.execute(BOUNDS)
        tally.add(ANYTHING, "role", list(_becoming(cursor)))
        for planted, prey in scene.prey():
            tally.add(str(planted.table), "role", [_without_fence(cursor, prey)])


def pooled(scene: Scene, tally: Tally) -> None:
    """Tenants in turns on shared connections: what one left there the next must not meet."""
    preys = scene.prey()
    tables = [prey.table for _, prey in preys]
    turns = [(scene.me, scene.other), (scene.other, scene.me)]
    with ThreadPoolExecutor(len(turns)) as pool:
        found = list(pool.map(partial(_take_turns, scene.location.alias, tables), turns))
    for planted, prey in preys:
        counted = sum((one[prey.table] for one in found), Counter[str]())
        tally.add(str(planted.table), "pooled", [_turns_result(counted)])


def in_task(scene: Scene, tally: Tally) -> None:
    """A Celery task, which is told ids as texts and opens the scope itself."""
    if TASK not in current_app.tasks:
        current_app.loader.import_default_modules()
    task = current_app.tasks[TASK]
    for planted, prey in scene.prey():
        # In this process, which is a worker's when the proof is: a worker that waited for
        # another would stand still where there is only one.
        done = task.apply(args=[str(scene.me), asdict(prey)])
        found = done.get(disable_sync_subtasks=False)
        results = [Result(act, Outcome(outcome), detail) for act, outcome, detail in found]
        tally.add(str(planted.table), "task", results)


def attack_as_task(tenant_id: UUID, prey: dict[str, Any]) -> list[list[str]]:
    """What the task does: attack one table from a scope of its own."""
    with _undone_scope(tenant_id) as cursor:
        found = attacks.against(cursor, Prey(**prey))
    return [[one.act, str(one.outcome), one.detail] for one in found]


def by_login(scene: Scene, way_in: WayIn, tally: Tally) -> None:
    """The tenant's own login, with whatever SQL it likes: settings and roles change nothing."""
    tricks: dict[str, Callable[[Any], None]] = {
        "": _nothing,
        " + set_config": partial(_pretend, other=scene.other),
        " + reset": _reset,
    }
    try:
        for suffix, trick in tricks.items():
            with way_in.open() as cursor:
                trick(cursor)
                for planted, prey in scene.prey():
                    is_own = planted.table.schema != scene.location.schema
                    results = attacks.against(cursor, prey, sees_itself=is_own)
                    tally.add(str(planted.table), f"{way_in.name}{suffix}", results)
        with way_in.open() as cursor:
            _as_somebody_else(cursor, scene, way_in, tally)
    except DriverError as error:
        lost = Result("connect", Outcome.UNPROVEN, attacks.state_of(error) or "no connection")
        tally.add(ANYTHING, way_in.name, [lost])


def _as_somebody_else(cursor: Any, scene: Scene, way_in: WayIn, tally: Tally) -> None:
    cursor.execute(BOUNDS)
    others = {one.role for one in scene.ways_in if one.tenant_id != way_in.tenant_id}
    named = {"other": scene.other}
    tried = [attacks.attempt(cursor, one.act, one.statement, named) for one in way_in.tries]
    tally.add(ANYTHING, f"{way_in.name} + role", [*_becoming(cursor, *others), *tried])
    tally.add(ANYTHING, way_in.name, _windows(cursor, scene.other))
    for planted, prey in scene.prey():
        results = [_without_fence(cursor, prey)]
        tally.add(str(planted.table), f"{way_in.name} + role", results)


@contextmanager
def _undone_scope(tenant_id: UUID) -> Iterator[Any]:
    """A cursor in a scope that is rolled back whatever happens in it."""
    with isolation.scope(tenant_id) as here, here.cursor() as cursor:
        try:
            yield cursor
        finally:
            transaction.set_rollback(True, using=here.alias)


@contextmanager
def _undone(alias: str) -> Iterator[Any]:
    """A cursor of the app's role in a transaction that is rolled back, outside every scope."""
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute(BOUNDS)
            try:
                yield cursor
            finally:
                transaction.set_rollback(True, using=alias)
    finally:
        isolation.let_go(alias)


def _windows(cursor: Any, other: UUID) -> list[Result]:
    """Look for the other's rows through every view that can be read."""
    cursor.execute(BOUNDS)
    cursor.execute(WINDOWS)
    windows = [name for (name,) in cursor.fetchall()]
    wanted = [str(other), rows.marker(other)]
    return [attacks.attempt(cursor, f"view {name}", _look(name), wanted) for name in windows]


def _look(window: str) -> str:
    return (
        f"SELECT count(*) FROM (SELECT 1 FROM {window} AS seen"
        " WHERE position(%s in seen::text) > 0 OR position(%s in seen::text) > 0 LIMIT 1) AS found"
    )


def _becoming(cursor: Any, *others: str) -> Iterator[Result]:
    deploy = connections["owner"].settings_dict["USER"]
    for role in (settings.ROLE_FLEET, settings.ROLE_OWNER, deploy, *others):
        name = "another login" if role in others else role
        yield attacks.attempt(cursor, f"SET ROLE {name}", f'SET LOCAL ROLE "{role}"')
        statement = f'SET SESSION AUTHORIZATION "{role}"'
        yield attacks.attempt(cursor, f"SET SESSION AUTHORIZATION {name}", statement)


def _without_fence(cursor: Any, prey: Prey) -> Result:
    """With `row_security = off` a fenced table refuses rather than show everything."""
    cursor.execute("SAVEPOINT fence; SET LOCAL row_security = off")
    statement = f"SELECT count(*) FROM (SELECT 1 FROM {prey.table} LIMIT 1) AS seen"
    result = attacks.attempt(cursor, "row_security = off", statement)
    cursor.execute("ROLLBACK TO fence")
    return result


def _take_turns(
    alias: str, tables: list[str], tenants: tuple[UUID, UUID]
) -> dict[str, Counter[str]]:
    """By table, how often a tenant did not see its own row, met another's, or was refused."""
    counted: dict[str, Counter[str]] = {table: Counter() for table in tables}
    try:
        for number in range(TURNS):
            tenant_id = tenants[number % 2]
            with isolation.scope(tenant_id, read_only=True) as here, here.cursor() as cursor:
                cursor.execute(BOUNDS)
                for table in tables:
                    own = _met(cursor, attacks.READ, table, tenant_id)
                    others = _met(cursor, attacks.READ_OTHERS, table, tenant_id)
                    counted[table]["blind"] += own is Outcome.NOTHING
                    counted[table]["refused"] += own is Outcome.REFUSED
                    counted[table]["unproven"] += Outcome.UNPROVEN in {own, others}
                    counted[table]["foreign"] += others is Outcome.SUCCEEDED
            with _undone(alias) as cursor:
                for table in tables:
                    left = _met(cursor, attacks.READ, table, tenant_id)
                    counted[table]["foreign"] += left is Outcome.SUCCEEDED
    finally:
        connections.close_all()
    return counted


def _met(cursor: Any, statement: str, table: str, tenant_id: UUID) -> Outcome:
    return attacks.attempt(cursor, "", statement.format(table), [tenant_id]).outcome


def _turns_result(counted: Counter[str]) -> Result:
    """Foreign rows in one turn are enough; a tenant that did not see its own proves nothing."""
    said = f"{counted['foreign']} foreign, {counted['blind']} blind"
    outcome = Outcome.NOTHING
    if counted["foreign"]:
        outcome = Outcome.SUCCEEDED
    elif counted["blind"] or counted["unproven"]:
        outcome = Outcome.UNPROVEN
    elif counted["refused"]:
        outcome, said = Outcome.REFUSED, "42501"
    return Result("takeTurns", outcome, said)


def _nothing(cursor: Any) -> None:
    """As it comes."""


def _pretend(cursor: Any, other: UUID) -> None:
    for name in ("tenlyr.tenant_id", "tenlyr.tenant"):
        cursor.execute("SELECT set_config(%s, %s, false)", [name, str(other)])
    cursor.execute("SELECT set_config('search_path', 'public', false)")


def _reset(cursor: Any) -> None:
    cursor.execute("RESET ROLE")
    cursor.execute("RESET SESSION AUTHORIZATION")
