"""Change capture by trigger: from its commit on, each change leaves its key in the move's log.

Row-filtered logical replication is no way: it makes the source's own UPDATEs fail where
`tenant_id` is not in the replica identity (ADR-0005).
"""

import hashlib
import time
from pathlib import Path
from uuid import UUID

from psycopg import errors as postgres

from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Connection, run
from apps.isolation.moves.quoting import columns, name, value
from apps.isolation.moves.shapes import TENANT, Shape

SQL = Path(__file__).parent / "sql"
BOOKKEEPING, CAPTURE = ((SQL / f"{file}.sql").read_text() for file in ("bookkeeping", "capture"))
# The control plane's own gate closes with the flip itself, whoever dies in that moment.
CONTROL_GATE = "SELECT epoch > {epoch} FROM public.isolation_placement WHERE tenant_id = {tenant}"
GATE = "SELECT g.has_left FROM tenlyr_moves.gate AS g WHERE g.move_id = {move}"
BOOKKEEPING_LOCK = 7_362_003
# A trigger's lock makes writers queue behind it: ask briefly, and often.
LOCK_TIMEOUT_MS = 50
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 2.0
PATIENCE_S = 60.0
EVENTS = {
    "put": ("INSERT", "NEW.{column} = {tenant}"),
    "set": ("UPDATE", "NEW.{column} = {tenant} OR OLD.{column} = {tenant}"),
    "gone": ("DELETE", "OLD.{column} = {tenant}"),
}


def lock_of(tenant_id: UUID) -> int:
    """The advisory lock that writers of captured tables share and the fence takes alone."""
    digest = hashlib.blake2b(b"tenlyr move" + tenant_id.bytes, digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def change(move_hex: str) -> str:
    """The log of one move's changes."""
    return name("tenlyr_moves", f"change_{move_hex}")


def keep_books(connection: Connection) -> None:
    """Make the schema and tables that moves need in this database."""
    with connection.transaction():
        run(connection, f"SELECT pg_advisory_xact_lock({BOOKKEEPING_LOCK})")
        run(connection, BOOKKEEPING)


def start(journey: Journey) -> None:
    """Step `capture`: log and triggers at the source."""
    connection = journey.links.source_owner
    keep_books(connection)
    log = change(journey.hex)
    with connection.transaction():
        run(
            connection,
            f"CREATE TABLE IF NOT EXISTS {log} (n bigint GENERATED ALWAYS AS IDENTITY"
            " PRIMARY KEY, tbl text NOT NULL, key jsonb NOT NULL)",
        )
        run(connection, f"GRANT SELECT, INSERT, DELETE ON {log} TO tenlyr_fleet")
        run(
            connection,
            f"INSERT INTO tenlyr_moves.gate (move_id) VALUES ({_id(journey)})"
            " ON CONFLICT DO NOTHING",
        )
    for shape in journey.shapes:
        run(connection, _function(journey, shape))
        patiently(connection, _triggers(journey, shape), f"Table {shape.table.name}")


def close_gate(journey: Journey) -> None:
    """Refuse every further write of the tenant at a source that cannot see the flip."""
    _set_gate(journey, has_left=True)


def open_gate(journey: Journey) -> None:
    """Let writers in again: the flip did not come about."""
    _set_gate(journey, has_left=False)


def has_own_gate(journey: Journey) -> bool:
    """Whether the source is in another database than the control plane."""
    return journey.source.alias != "default"


def _set_gate(journey: Journey, *, has_left: bool) -> None:
    run(
        journey.links.source_owner,
        f"UPDATE tenlyr_moves.gate SET has_left = {has_left} WHERE move_id = {_id(journey)}",
    )


def stop(connection: Connection, move_hex: str) -> None:
    """Remove triggers, functions and log of a move from a database; a second time does nothing."""
    found = connection.execute(
        "SELECT format('%%I.%%I', n.nspname, c.relname), t.tgname FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE t.tgname LIKE %s AND t.tgparentid = 0 ORDER BY 1, 2",
        [f"tenlyr\\_{move_hex}\\_%"],
    ).fetchall()
    for table in sorted({table for table, _ in found}):
        drops = [f"DROP TRIGGER {name(trigger)} ON {on}" for on, trigger in found if on == table]
        patiently(connection, drops, "A table of the source")
    functions = connection.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " WHERE p.pronamespace = to_regnamespace('tenlyr_moves') AND p.proname LIKE %s",
        [f"capture\\_{move_hex}\\_%"],
    ).fetchall()
    for (function,) in functions:
        run(connection, f"DROP FUNCTION {function}")
    run(connection, f"DROP TABLE IF EXISTS {change(move_hex)}")
    if run(connection, "SELECT 1 FROM pg_namespace WHERE nspname = 'tenlyr_moves'").fetchone():
        run(connection, f"DELETE FROM tenlyr_moves.gate WHERE move_id = {value(move_hex)}::uuid")


def patiently(connection: Connection, statements: list[str], what: str) -> None:
    """Run DDL in one transaction without ever making others wait long; raises `MoveFailed`."""
    deadline = time.monotonic() + PATIENCE_S
    wait_s = FIRST_WAIT_S
    while True:
        try:
            with connection.transaction():
                run(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                for statement in statements:
                    run(connection, statement)
            return
        except (postgres.LockNotAvailable, postgres.DeadlockDetected):
            if time.monotonic() > deadline:
                raise MoveFailed(f"{what} stayed locked by a long transaction.") from None
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _id(journey: Journey) -> str:
    return f"{value(str(journey.move.id))}::uuid"


def _name(move_hex: str, shape: Shape) -> str:
    return name("tenlyr_moves", f"capture_{move_hex}_{shape.tag}")


def _function(journey: Journey, shape: Shape) -> str:
    gate = CONTROL_GATE.format(tenant=journey.tenant, epoch=journey.epoch)
    if has_own_gate(journey):
        gate = GATE.format(move=_id(journey))
    return CAPTURE.format(
        function=_name(journey.hex, shape),
        lock=lock_of(journey.tenant_id),
        gate=gate,
        change=change(journey.hex),
        label=value(shape.label),
        old=columns(shape.key, "OLD"),
        new=columns(shape.key, "NEW"),
    )


def _triggers(journey: Journey, shape: Shape) -> list[str]:
    statements = []
    for suffix, (event, condition) in EVENTS.items():
        trigger = name(f"tenlyr_{journey.hex}_{suffix}")
        when = condition.format(column=name(TENANT), tenant=journey.tenant)
        statements.append(
            f"CREATE OR REPLACE TRIGGER {trigger} AFTER {event} ON {shape.source}"
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {_name(journey.hex, shape)}()"
        )
    return statements
